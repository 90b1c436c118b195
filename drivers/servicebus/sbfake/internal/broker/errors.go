package broker

import "fmt"

// Error is a refusal, with the condition that AMQP shows and the status of a request
// to the management node.
type Error struct {
	Condition string
	Status    int
	Text      string
}

func (e *Error) Error() string { return e.Condition + ": " + e.Text }

func fail(condition string, status int, format string, args ...any) *Error {
	return &Error{condition, status, fmt.Sprintf(format, args...)}
}

// Conditions ("AMQP errors in Azure Service Bus").
const (
	NotFound        = "amqp:not-found"
	NotAllowed      = "amqp:not-allowed"
	TooLarge        = "amqp:link:message-size-exceeded"
	LockLost        = "com.microsoft:message-lock-lost"
	SessionLockLost = "com.microsoft:session-lock-lost"
	SessionTaken    = "com.microsoft:session-cannot-be-locked"
	Timeout         = "com.microsoft:timeout"
	Missing         = "com.microsoft:message-not-found"
	Exists          = "com.microsoft:entity-already-exists"
	BadArgument     = "com.microsoft:argument-error"
)

func lockLost() *Error {
	return fail(LockLost, 410, "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.")
}

func sessionLost(id string) *Error {
	return fail(SessionLockLost, 410, "The session lock has expired on the session %q. Accept a new session.", id)
}
