package faultqueue

import (
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Op is a method of a queue or of its dead letter.
type Op uint8

const (
	Any Op = iota // in a Rule: every method
	Send
	Withdraw
	Receive
	Extend
	Settle
	MoveAll
	Policy
	Stats
	Close
	ops
)

// String is the method in lower case.
func (o Op) String() string {
	names := [...]string{"any", "send", "withdraw", "receive", "extend", "settle", "move all", "policy", "stats", "close"}
	if int(o) < len(names) {
		return names[o]
	}
	return "invalid"
}

// Call is one call: its arguments, and once it went on its results. A fault may
// change both; the slices are its own, what they point to is not.
type Call struct {
	Op   Op
	Dead bool // on the dead letter
	N    int  // number of the call among those of Op on this source, from 1

	Messages []driver.Message      // of Send
	ID       string                // of Withdraw
	Options  driver.ReceiveOptions // of Receive
	Leases   []driver.Lease        // of Extend
	Hold     time.Duration         // of Extend
	Batch    []driver.Settlement   // of Settle
	Move     driver.MoveOptions    // of MoveAll

	Sent     []driver.SendResult   // by Send
	Received []driver.Lease        // by Receive
	Extended []driver.ExtendResult // by Extend
	Settled  []error               // by Settle
	Report   driver.MoveReport     // by MoveAll
	Policy   driver.Policy         // by Policy
	Stats    driver.Stats          // by Stats
	Err      error                 // by Withdraw, Receive, MoveAll, Policy, Stats and Close
}

// Len is how many items a batch call has; 0 for the other calls.
func (c *Call) Len() int {
	switch c.Op {
	case Send:
		return len(c.Messages)
	case Extend:
		return len(c.Leases)
	case Settle:
		return len(c.Batch)
	}
	return 0
}

// Fail makes err the result of the whole call.
func (c *Call) Fail(err error) {
	switch c.Op {
	case Send:
		c.Sent = driver.FailSend(len(c.Messages), err)
	case Extend:
		c.Extended = driver.FailExtend(len(c.Leases), err)
	case Settle:
		c.Settled = driver.FailSettle(len(c.Batch), err)
	default:
		c.Received, c.Report, c.Policy, c.Stats, c.Err = nil, driver.MoveReport{}, driver.Policy{}, driver.Stats{}, err
	}
}

// own makes the slices of arguments the call's own.
func (c *Call) own() {
	c.Messages, c.Leases, c.Batch = slices.Clone(c.Messages), slices.Clone(c.Leases), slices.Clone(c.Batch)
}

// part is a call of the same kind with the items at the given places.
func (c *Call) part(at []int) *Call {
	p := *c
	p.Messages, p.Leases, p.Batch = nil, nil, nil
	for _, i := range at {
		switch c.Op {
		case Send:
			p.Messages = append(p.Messages, c.Messages[i])
		case Extend:
			p.Leases = append(p.Leases, c.Leases[i])
		case Settle:
			p.Batch = append(p.Batch, c.Batch[i])
		}
	}
	return &p
}

// merge takes over the results of a part.
func (c *Call) merge(p *Call, at []int) {
	for j, i := range at {
		switch c.Op {
		case Send:
			c.Sent[i] = p.Sent[j]
		case Extend:
			c.Extended[i] = p.Extended[j]
		case Settle:
			c.Settled[i] = p.Settled[j]
		}
	}
}
