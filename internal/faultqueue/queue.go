package faultqueue

import (
	"context"
	"slices"
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

// Rule applies a fault to calls. Of several that match, the first is applied.
type Rule struct {
	// Op is the method; Any for all.
	Op Op
	// Match chooses among the calls of Op; nil takes all. It is called with the
	// queue's lock held, so it must not call the queue; and so it is never
	// called twice at once.
	Match func(c *Call) bool
	// Times is how many calls the rule applies to; 0 for all.
	Times int
	// Fault is what happens to the call.
	Fault Fault
}

// Queue is a queue with faults. It is safe for concurrent use.
type Queue struct {
	inner driver.Queue

	mu     sync.Mutex
	rules  []*rule                          // guarded by mu
	calls  [2][ops]int                      // guarded by mu; by source, the queue and its dead letter
	killed bool                             // guarded by mu
	flight map[*context.CancelFunc]struct{} // guarded by mu; calls that Kill must end
}

type rule struct {
	Rule
	applied int // guarded by Queue.mu
}

// New wraps inner. Without rules every call passes.
func New(inner driver.Queue, rules ...Rule) *Queue {
	q := &Queue{inner: inner, flight: make(map[*context.CancelFunc]struct{})}
	q.Add(rules...)
	return q
}

// Add adds rules, after those that are there.
func (q *Queue) Add(rules ...Rule) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range rules {
		q.rules = append(q.rules, &rule{Rule: r})
	}
}

// Clear removes all rules.
func (q *Queue) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rules = nil
}

// Kill cuts the caller off for good: calls in flight end, and they and every
// later call answer Unavailable. The inner queue goes on.
func (q *Queue) Kill() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.killed = true
	for cancel := range q.flight {
		(*cancel)()
	}
}

// Killed reports whether the caller was cut off.
func (q *Queue) Killed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.killed
}

// Cut is a fault that cuts the caller off: the call has no effect, and from then
// on every call answers Unavailable.
func (q *Queue) Cut() Fault {
	return func(_ context.Context, c *Call, _ Next) {
		q.Kill()
		c.Fail(errCut(c))
	}
}

// CutAfter is like Cut, but the call takes effect; only its answer is lost.
func (q *Queue) CutAfter() Fault {
	return func(ctx context.Context, c *Call, next Next) {
		next(ctx, c)
		q.Kill()
		c.Fail(errCut(c))
	}
}

func errCut(c *Call) error {
	return driver.Errorf(driver.Unavailable, "faultqueue: "+c.Op.String(), "the caller is cut off")
}

// do runs a call through the rules.
func (q *Queue) do(ctx context.Context, c *Call, next Next) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fault, alive := q.begin(c, &cancel)
	if !alive {
		c.Fail(errCut(c))
		return
	}
	if fault == nil {
		next(ctx, c)
	} else {
		c.own()
		fault(ctx, c, next)
	}
	if q.end(&cancel) {
		c.Fail(errCut(c))
	}
}

// begin numbers the call and picks its fault.
func (q *Queue) begin(c *Call, cancel *context.CancelFunc) (fault Fault, alive bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.killed {
		return nil, false
	}
	q.flight[cancel] = struct{}{}
	source := 0
	if c.Dead {
		source = 1
	}
	q.calls[source][c.Op]++
	c.N = q.calls[source][c.Op]
	i := slices.IndexFunc(q.rules, func(r *rule) bool {
		return (r.Op == Any || r.Op == c.Op) && (r.Times == 0 || r.applied < r.Times) && (r.Match == nil || r.Match(c))
	})
	if i < 0 {
		return nil, true
	}
	q.rules[i].applied++
	return q.rules[i].Fault, true
}

// end reports whether the caller was cut off meanwhile.
func (q *Queue) end(cancel *context.CancelFunc) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.flight, cancel)
	return q.killed
}
