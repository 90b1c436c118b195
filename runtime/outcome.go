package runtime

import (
	"errors"

	"github.com/longshore-dev/longshore/driver"
)

// outcome is what became of a delivery, as telemetry has it.
type outcome uint8

const (
	outcomeNone        outcome = iota // nothing was decided
	outcomeSuccess                    // the handler is done, or the task was skipped
	outcomeRetry                      // it runs again
	outcomeDead                       // it goes to the dead letter
	outcomeSnooze                     // it runs again, and this was no attempt
	outcomeHop                        // it came before it was due
	outcomeInterrupted                // the end of the worker has cut it short
	outcomeLost                       // the lease was lost, or the queue has not taken what was decided
	outcomes           int     = iota
)

var outcomeNames = [outcomes]string{
	outcomeNone: "none", outcomeSuccess: "success", outcomeRetry: "retry", outcomeDead: "dead", outcomeSnooze: "snooze",
	outcomeHop: "hop", outcomeInterrupted: "interrupted", outcomeLost: "lost",
}

func (o outcome) name() string { return outcomeNames[o] }

// as is the decision with its outcome.
func (d Decision) as(o outcome) Decision {
	d.outcome = o
	return d
}

// tally counts what became of a delivery, once; err is Settled.Err.
func (d *Decision) tally(err error) {
	k := d.signals
	if k == nil {
		return
	}
	o := d.outcome
	if err != nil {
		o = outcomeLost
	}
	switch o {
	case outcomeNone:
		return
	case outcomeDead:
		k.died(d.Settlement.Reason)
	default:
		k.outcomes[o].Add(1)
	}
	if d.Task != nil && (o == outcomeSuccess || o == outcomeDead) {
		k.ended.count(d.Task.Attempt)
	}
}

func lostLease(err error) bool {
	return errors.Is(err, ErrLeaseLost) || driver.Is(err, driver.LeaseLost)
}

// unsettled counts messages whose settle has failed; lost leases are none of them.
func (s *queueSignals) unsettled(verdict driver.Verdict) {
	if s != nil && int(verdict) < verdicts {
		s.settleFailures[verdict].Add(1)
	}
}
