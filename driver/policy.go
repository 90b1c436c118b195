package driver

import (
	"math"
	"time"
)

// Unlimited stands for a retention without end.
const Unlimited = time.Duration(math.MaxInt64)

// Unreported stands for a number that a broker does not tell.
const Unreported = -1

// Policy is what the broker is really configured to do with a queue. A zero
// Hold, MaxAttempts, Retention or DeadLetterRetention means that the driver
// could not find it out.
type Policy struct {
	// Hold is the queue's own hold: how long a lease runs when Receive does
	// not say.
	Hold time.Duration
	// MaxAttempts is after how many deliveries the broker itself puts a message
	// into the dead letter.
	MaxAttempts int
	// DeadLetterTarget names the dead letter in the broker's terms; empty when
	// the queue has none.
	DeadLetterTarget string
	// DeadLetterReadable is true when something keeps what arrives in the dead
	// letter and this driver can lease from it.
	DeadLetterReadable bool
	// Retention and DeadLetterRetention are how long an unsettled message is
	// kept, or Unlimited.
	Retention, DeadLetterRetention time.Duration
	// RetryDelay is the delay that the broker itself adds before it delivers a
	// message again; 0 for none.
	RetryDelay time.Duration
	// IdleExpiry is after how long without use the broker deletes the queue; 0
	// for never.
	IdleExpiry time.Duration
	// AlsoSentTo names, in the broker's terms, others that get a copy of whatever
	// is sent to the queue, and so of what is redriven; empty for nobody, and where
	// the broker has no such thing or this driver may not know.
	AlsoSentTo string
}

// Stats count the messages of a queue. Each number may be approximate, and is
// Unreported where the broker does not tell.
type Stats struct {
	Ready   int64 // waiting and visible
	Leased  int64 // held by a consumer, or hidden by a Release with a delay
	Delayed int64 // sent with a delay and not due yet
	Dead    int64 // in the dead letter, in whatever state
	// Oldest is the age of the oldest message that is not dead; 0 when there is
	// none, Unreported (a negative duration) when the broker does not tell.
	Oldest time.Duration
}
