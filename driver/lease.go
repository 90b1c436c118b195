package driver

import "time"

// Lease is one delivery of one message: the right to work on it until it
// expires. It is immutable and safe for concurrent use.
//
// A driver finds its own lease through As, never by a type assertion on the
// interface, so that a lease may be wrapped.
type Lease interface {
	// Message is what was received. Its body and attributes are shared by
	// everybody who holds the lease and must not be modified.
	Message() Message

	// Attempt is the broker's own count of deliveries of this message,
	// including this one, so 1 for the first; 0 when the broker does not know.
	Attempt() int

	// Received is when the message arrived, with a monotonic reading.
	Received() time.Time

	// Expires is the local time after which the lease must be taken for lost,
	// as of Receive, with a monotonic reading. It is never later than the end
	// that the broker keeps. Later ends come only in [ExtendResult].
	//
	// It limits harm; it does not fence: a paused process may act after it.
	Expires() time.Time

	// As sets target to the driver's own type and reports whether it could. A
	// wrapper passes it on to the lease that it wraps.
	As(target any) bool
}

// Verdict is how a lease ends. The zero value is invalid and refused.
type Verdict uint8

const (
	// Ack: the work is done; delete the message.
	Ack Verdict = iota + 1
	// Release: make the message visible again after [Settlement].Delay.
	Release
	// Bury: put the message into the dead letter, with a reason.
	Bury
	// Redrive: on a dead letter only, send the message back to its queue with
	// fresh attempts, then delete it here.
	Redrive
)

// String is the verdict in lower case, or "invalid".
func (v Verdict) String() string {
	switch v {
	case Ack:
		return "ack"
	case Release:
		return "release"
	case Bury:
		return "bury"
	case Redrive:
		return "redrive"
	}
	return "invalid"
}

// Settlement ends one lease.
type Settlement struct {
	Lease   Lease
	Verdict Verdict

	// Delay of a Release, 0 or more: how long the message stays hidden. At most
	// Capabilities.MaxReleaseDelay, and with the time since the receive at most
	// MaxTotalHold. It rounds up to HoldGrain.
	Delay time.Duration

	// Reason of a Bury: a token of lower-case letters, digits and hyphens, at
	// most MaxReason bytes. See the Reason constants.
	Reason string
	// Detail of a Bury, for people: cut to MaxDetail bytes with a mark.
	Detail string
	// Carry of a Bury: what the dead letter carries in place of the message's
	// own; nil keeps that.
	Carry *Carry
}
