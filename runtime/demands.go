package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// MaxDeliveries is the most deliveries that any kind allows a task on a queue. The
// broker's own limit has to be above it, or the broker decides first.
func (m *Mux) MaxDeliveries(q *QueueInfo) int {
	most := q.Retry.maxDeliveries()
	for _, h := range m.handlers {
		if h.retry != nil {
			most = max(most, h.retry.maxDeliveries())
		}
	}
	return most
}

// LongestTimeout is the kind with the longest timeout, "*" for that of HandleAny, and
// that timeout; 0 when no kind has one.
func (m *Mux) LongestTimeout() (kind string, timeout time.Duration) {
	for k, h := range m.handlers {
		if t := max(h.timeout, h.hardTimeout); t > timeout || t == timeout && k < kind {
			kind, timeout = k, t
		}
	}
	return kind, timeout
}

// KindName is a kind of LongestTimeout or Delayed in a sentence.
func KindName(kind string) string {
	if kind == anyKind {
		return "any kind"
	}
	return fmt.Sprintf("kind %q", kind)
}

// Delays says that a kind needs delays: its tasks are enqueued for later or snoozed,
// or say themselves when to be retried. A host that cannot put a task off, such as a
// push endpoint, refuses the kind when it starts. A kind whose own RetryPolicy has a
// Backoff needs no saying.
func Delays() HandleOption { return func(h *handler) { h.delays = true } }

// Delayed are the kinds that need delays, sorted; see [Delays].
func (m *Mux) Delayed() []string {
	var kinds []string
	for k, h := range m.handlers {
		if h.delays || h.retry != nil && h.retry.Backoff != nil {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// Limited says whether a limit of a Worker is set for the tasks of a queue: a rate or a
// concurrency of the queue or of any kind. A host that does not keep such limits should
// say so when it starts.
func (m *Mux) Limited(q *QueueInfo) bool {
	if q.Concurrency > 0 || q.Rate != (Rate{}) {
		return true
	}
	for _, h := range m.handlers {
		if h.concurrency > 0 || h.rate != (Rate{}) {
			return true
		}
	}
	return false
}

// Suspect says whether a delivery is of a task beyond its MaxAttempts: so often only
// what ends the process that runs it is delivered, or what came together with that.
// A host should run such tasks one at a time, and have nothing unsettled beside them.
// A Worker does so by itself.
func (m *Mux) Suspect(d Delivery) bool {
	message := d.Lease.Message()
	if message.Carry.Attempts+d.Lease.Attempt()-d.Behind <= 1 {
		return false
	}
	info, _, err := m.open(d, &message)
	if err != nil {
		return false // it will not run
	}
	a := m.attempt(d, m.handlerOf(info.Kind), info, &message)
	return info.Attempt > a.info.MaxAttempts && !a.chained()
}

// AwaitGivenUp waits until the handlers that were given up at their HardTimeout have
// returned, or for the end of ctx, and says how many still run. It is for a host's end,
// when nothing is dispatched any more. A Worker waits for its own by itself; they are
// not counted.
func (m *Mux) AwaitGivenUp(ctx context.Context) int {
	for {
		m.strays.wait(ctx, nil)
		if n := len(m.strays.of(nil)); n == 0 || ctx.Err() != nil {
			return n
		}
	}
}
