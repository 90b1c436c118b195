package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
)

// fault is what happens to one item of a call.
type fault uint8

const (
	none    fault = iota
	refused       // it fails without effect
	later         // the same, and says when to come back
	unsaid        // it takes effect and then fails
)

// plan is what goes wrong with a call. It goes with the call's context to the
// faultqueue, whose rules do it.
type plan struct {
	takes   time.Duration // the way to the broker
	hangs   bool
	whole   fault   // of all items, or of a receive
	single  []fault // of each item; nil for none
	sendIDs []string
	err     error
}

type planKey struct{}

// with is ctx with the plan for a call.
func (p *plan) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, planKey{}, p)
}

// rule does what the plan of a call says.
func rule() faultqueue.Rule {
	return faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		p, ok := ctx.Value(planKey{}).(*plan)
		if !ok {
			next(ctx, c)
			return
		}
		if p.hangs {
			faultqueue.Hang()(ctx, c, next)
			return
		}
		faultqueue.Stall(p.takes)(ctx, c, p.then(next))
	}}
}

// then is what happens to the call when it has arrived.
func (p *plan) then(next faultqueue.Next) faultqueue.Next {
	fail := map[fault]faultqueue.Fault{
		refused: faultqueue.FailBefore(p.err), later: faultqueue.FailBefore(p.err), unsaid: faultqueue.FailAfter(p.err),
	}
	if f := fail[p.whole]; f != nil {
		return func(ctx context.Context, c *faultqueue.Call) { f(ctx, c, next) }
	}
	for _, chosen := range []fault{unsaid, refused, later} {
		if f, inner := fail[chosen], next; p.has(chosen) {
			next = func(ctx context.Context, c *faultqueue.Call) {
				faultqueue.On(func(i int) bool { return p.of(c, i) == chosen }, f)(ctx, c, inner)
			}
		}
	}
	return next
}

func (p *plan) has(f fault) bool { return slices.Contains(p.single, f) }

// of is the fault of an item of a call that may be a part of the planned one.
func (p *plan) of(c *faultqueue.Call, item int) fault {
	switch c.Op {
	case faultqueue.Send:
		for i, id := range p.sendIDs {
			if id == c.Messages[item].SendID {
				return p.single[i]
			}
		}
	case faultqueue.Extend:
		return leaseOf(c.Leases[item]).faultNow()
	case faultqueue.Settle:
		return leaseOf(c.Batch[item].Lease).faultNow()
	}
	return none
}

// faultNow is the fault of the call that is under way.
func (l *lease) faultNow() fault {
	l.worker.world.mu.Lock()
	defer l.worker.world.mu.Unlock()
	return l.fault
}

// faultOf is the fault of the item that d is about. The caller holds mu.
func (w *World) faultOf(d dice) fault {
	if w.calm || !d.in1000(11, w.weather.fail) {
		return none
	}
	return []fault{refused, refused, later, unsaid, unsaid}[d.below(12, 5)]
}

// way is how long a call takes to the queue, or a plan when it is no ordinary
// one. The caller holds mu.
func (w *World) way(by *worker, d dice) (time.Duration, *plan) {
	takes := d.between(21, 500*time.Microsecond, 8*time.Millisecond)
	if w.calm {
		return takes, nil
	}
	var p *plan
	switch {
	case d.in1000(22, w.weather.hang):
		p = &plan{takes: longestCall, hangs: true, err: errDown}
		w.met[Hung]++
	case d.in1000(23, w.weather.slow):
		p = &plan{takes: d.between(24, 500*time.Millisecond, 9*time.Second), err: errDown}
		w.met[Dawdled]++
	default:
		return takes, nil
	}
	w.excuse(by, p.takes+2*w.weather.hold)
	return takes, p
}

// longestCall is when a worker gives up a call that hangs, at the latest.
const longestCall = 30 * time.Second

// spoil plans the faults of items. The caller holds mu.
func (p *plan) spoil(faults []fault, d dice) *plan {
	for _, f := range faults {
		if f == none {
			continue
		}
		if p == nil {
			p = &plan{takes: d.between(21, 500*time.Microsecond, 8*time.Millisecond), err: errDown}
		}
		p.single = faults
		if f == later {
			p.err = &driver.Error{Code: driver.Throttled, Op: "simulation", RetryAfter: d.between(13, 0, 2*time.Second)}
		}
	}
	return p
}

var errDown = driver.Errorf(driver.Unavailable, "simulation", "the queue is down")
