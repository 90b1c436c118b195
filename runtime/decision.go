package runtime

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Delivery is one message that was leased from a queue.
type Delivery struct {
	Lease driver.Lease
	Queue *QueueInfo
	// Behind is how many of its deliveries ended before a run because it stood
	// behind a failed head of its group. The broker has counted them, and they are no
	// attempts. It is 0 or above.
	Behind int
	// Limit is after how many deliveries the broker buries a message itself, as its
	// policy says; 0 when it is not known.
	Limit int

	held *held // the Worker's own; nil where somebody else dispatches
}

// Action is what is to be done with a delivery. The zero value is invalid.
type Action uint8

const (
	// Settle: do Decision.Settlement.
	Settle Action = iota + 1
	// CopyThenAck: make sure of the lease, send Decision.Copy, then do
	// Decision.Settlement, which is an Ack.
	CopyThenAck
	// Nothing: the lease is lost, and with it the right to settle.
	Nothing

	// What a Worker alone is told, because it can keep a lease without a handler.
	// park: for Settlement.Delay, and then release the message at once.
	park
	// snooze: for Settlement.Delay, and then dispatch it again.
	snooze
	// queueUp: until no other task beyond its MaxAttempts runs, and then dispatch
	// it again.
	queueUp
)

// Decision is what becomes of a delivery.
type Decision struct {
	Action     Action
	Settlement driver.Settlement
	Copy       *driver.Message
	// Task is the attempt that was decided on; nil when the message is no task.
	Task *Info
	// Err is why the attempt failed; nil when it succeeded, was snoozed or never
	// ran.
	Err error
	// Pause is how long no other task of the queue should start; see PauseQueue.
	Pause time.Duration

	outcome outcome
	signals *kindSignals // nil without telemetry
}

func ack(d Delivery) Decision {
	return Decision{Action: Settle, Settlement: driver.Settlement{Lease: d.Lease, Verdict: driver.Ack}}
}

func bury(d Delivery, reason string, err error) Decision {
	return Decision{
		Action:     Settle,
		Settlement: driver.Settlement{Lease: d.Lease, Verdict: driver.Bury, Reason: reason, Detail: err.Error()},
		Err:        err,
		outcome:    outcomeDead,
	}
}
