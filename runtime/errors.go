package runtime

import (
	"errors"
	"fmt"
	"time"
)

// Causes with which a handler's context ends; see context.Cause.
var (
	// ErrLeaseLost: the lease ran out or was superseded, and another worker may
	// be at the task already. Whatever the handler returns, it is not retried
	// or buried here.
	ErrLeaseLost = errors.New("the lease of this task was lost")
	// ErrDraining: the worker is about to end. A handler that returns before it
	// does is still settled.
	ErrDraining = errors.New("the worker is draining")
	// ErrTimeout: the handler's own time limit has passed; see Timeout.
	ErrTimeout = errors.New("the handler's time limit has passed")
)

// ErrSkip acknowledges a task without having run it: what middleware returns that
// knows the task to be done already.
var ErrSkip = errors.New("the task is acknowledged without being run")

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent wraps an error that no retry can help: the task is buried at once,
// with reason permanent. A nil err becomes an error too.
func Permanent(err error) error {
	if err == nil {
		err = errors.New("permanent failure")
	}
	return &permanentError{err}
}

type retryAfterError struct {
	delay time.Duration
	err   error
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter wraps an error with the delay after which to retry, in place of
// the policy's backoff and without jitter; a negative delay counts as 0. The
// attempt counts like any other. A nil err becomes an error too.
func RetryAfter(delay time.Duration, err error) error {
	if err == nil {
		err = fmt.Errorf("retry after %v", delay)
	}
	return &retryAfterError{max(0, delay), err}
}

type snoozeError struct{ delay time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("snoozed for %v", e.delay) }

// Snooze puts a task off: it comes back after the delay, and the attempt does not
// count. A task can be snoozed 1,000 times, or until it expires; then it is buried.
// A negative delay counts as 0.
func Snooze(delay time.Duration) error { return &snoozeError{max(0, delay)} }

type pauseError struct {
	pause time.Duration
	err   error
}

func (e *pauseError) Error() string { return e.err.Error() }
func (e *pauseError) Unwrap() error { return e.err }

// PauseQueue is back-pressure: what a handler returns when what it calls asks for a
// pause, such as HTTP's 429 or 503. This Worker starts no task of the queue for the
// pause, above 0 and at most an hour: those that it has leased wait, and it leases
// no others. The task itself is put off for as long like one that is snoozed, so its
// attempt does not count, and err is logged; a nil err becomes one too. Tasks that
// run already are not disturbed. Other Workers of the queue learn of it from their
// own handlers; a Lambda function and a push endpoint only put the task off.
func PauseQueue(pause time.Duration, err error) error {
	if err == nil {
		err = fmt.Errorf("the queue is paused for %v", pause)
	}
	return &pauseError{pause, err}
}

// undecodableError: the message is not a task, or not one of this type.
type undecodableError struct{ err error }

func (e *undecodableError) Error() string { return "undecodable: " + e.err.Error() }
func (e *undecodableError) Unwrap() error { return e.err }

// PanicError is what a handler's panic becomes: a failed attempt. Its text has
// the panic's value; the stack is logged and never sent anywhere.
type PanicError struct {
	Value any
	Stack []byte
}

// Error is the panic's value in words.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
