package driver

import (
	"context"
	"time"
)

// Source is a place to lease messages from: a queue, or its dead letter.
// All methods are safe for concurrent use.
type Source interface {
	// Receive leases up to opts.Max messages and waits at most opts.Wait for
	// the first; it does not wait for more once it has one. It returns
	// (nil, nil) only after opts.Wait has passed with nothing to lease.
	//
	// When ctx ends first the error has code Canceled or DeadlineExceeded.
	// With some brokers messages that were on their way to a cancelled call
	// stay leased until their hold runs out, so a caller that stops should let
	// a short last call return instead of cancelling it.
	Receive(ctx context.Context, opts ReceiveOptions) ([]Lease, error)

	// Extend moves the end of each lease to hold from now. A hold of 0 stands
	// for the queue's own hold. Past the end of a lease by the local clock the
	// answer is LeaseLost without a call to the broker.
	Extend(ctx context.Context, leases []Lease, hold time.Duration) []ExtendResult

	// Settle ends leases, each with its own verdict. One error a settlement,
	// in order; nil is done. The verdicts of one batch may differ.
	Settle(ctx context.Context, batch []Settlement) []error
}

// Queue is one queue of a broker, together with its dead letter.
// All methods are safe for concurrent use.
type Queue interface {
	Source

	// Send hands messages to the broker. A result without error means that the
	// broker has stored the message. The driver keeps no reference to a
	// message, its body or its attributes after it has returned.
	Send(ctx context.Context, batch []Message) []SendResult

	// DeadLetter is where this queue's dead messages are. It is never nil; a
	// queue that has none answers NotFound from each of its methods. It is
	// closed with the queue.
	DeadLetter() DeadLetter

	// Policy reads what the broker is really configured to do. It may do I/O.
	// PermissionDenied when the caller may not read it.
	Policy(ctx context.Context) (Policy, error)

	// Stats reads how many messages the queue holds. It may do I/O and the
	// numbers may be approximate; each may be unknown.
	Stats(ctx context.Context) (Stats, error)

	// Capabilities is what the queue's URL declares. It does no I/O and always
	// returns the same value.
	Capabilities() Capabilities

	// As sets target to the driver's native type and reports whether it could.
	// The package documentation of a driver lists the types it accepts; every driver
	// takes a *System, one of a broker also a *Name, and one that is an Adopter an
	// *Adopter.
	As(target any) bool

	// Close waits for calls in flight until ctx ends. After it every call
	// answers Closed; a second Close answers nil.
	Close(ctx context.Context) error
}

// DeadLetter is where the dead messages of a queue are. Its Settle takes Ack,
// Release and Redrive; Bury is InvalidArgument here.
type DeadLetter interface {
	Source

	// MoveAll is the broker's own bulk redrive, which moves every dead message
	// back to its queue as it is, without looking at it. Unsupported where the
	// broker has none. A moved message keeps its death record, by which the
	// runtime knows it; see [Message].Death.
	MoveAll(ctx context.Context, opts MoveOptions) (MoveReport, error)
}

// Adopter is implemented by a Queue that can make a lease from a message which
// somebody else received: the poller of a serverless platform, or a push
// endpoint. It does no I/O. The handle is the broker's own (a receipt handle,
// an acknowledgement id, a lock token).
type Adopter interface {
	Adopt(handle string, m Message, attempt int, received time.Time) Lease
}

// AdopterOf is the Adopter that q is or, where wrappers hide it, that q answers to
// As; false when its driver is none.
func AdopterOf(q Queue) (Adopter, bool) {
	if a, ok := q.(Adopter); ok {
		return a, true
	}
	var a Adopter
	ok := q.As(&a)
	return a, ok
}

// Name is what a broker calls a queue in the events that it makes for others: the
// name of a queue of Amazon SQS, the complete name of a subscription of Google
// Pub/Sub. Queue.As gives it.
type Name string

// System is what telemetry calls the kind of a broker: where the semantic conventions
// of OpenTelemetry for messaging have a value of messaging.system, that one. Queue.As
// gives it.
type System string

// SystemOf is the System that q answers to As, or "unknown".
func SystemOf(q Queue) System {
	system := System("unknown")
	q.As(&system)
	return system
}

// Withdrawer is implemented by a Queue that can take back a delayed message
// which it has just sent and which is not due yet. The id is [SendResult].ID.
// NotFound when it is gone or was never delayed.
type Withdrawer interface {
	Withdraw(ctx context.Context, id string) error
}

// ReceiveOptions say how much to lease and for how long.
type ReceiveOptions struct {
	// Max is the most messages to lease, from 1 to Capabilities.MaxReceiveBatch.
	Max int
	// Wait is the longest time to wait for the first message, 0 or more. With
	// 0 the call answers at once.
	Wait time.Duration
	// Hold is how long the leases run, from Capabilities.MinHold to MaxHold; 0
	// stands for the queue's own hold. With FixedHold only 0 and the queue's
	// own hold are taken.
	Hold time.Duration
}

// SendResult answers one message of a Send.
type SendResult struct {
	// ID is the broker's id of the message, set when Err is nil. A broker that
	// dropped the message as a duplicate answers the id of the first one.
	ID  string
	Err error
}

// ExtendResult answers one lease of an Extend.
type ExtendResult struct {
	// Expires is the new end of the lease by the local clock, set when Err is
	// nil. It counts from the start of the call, so it is never later than the
	// end that the broker keeps.
	Expires time.Time
	Err     error
}

// MoveOptions control a bulk move.
type MoveOptions struct {
	// Rate is the most messages to move a second; 0 leaves it to the broker.
	Rate int
	// Progress is called with the report so far, from the goroutine that called
	// MoveAll; nil for none.
	Progress func(MoveReport)
}

// MoveReport says how far a bulk move came.
type MoveReport struct {
	Moved int64 // messages moved so far
	Total int64 // messages to move as the broker counted them; Unreported when it did not
}
