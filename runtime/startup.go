package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// spareDeliveries is by how much a broker's own limit must exceed the deliveries
// that the worker allows, so that the worker decides first.
const spareDeliveries = 3

// policyTime bounds the reading of one queue's configuration.
const policyTime = 30 * time.Second

// check refuses queues on which the worker could not keep its promises. It names
// every problem, with its setting and its fix.
func (w *Worker) check(ctx context.Context) error {
	var problems []error
	for _, l := range w.lanes {
		op := fmt.Sprintf("runtime: start on queue %q", l.queue.Name)
		policy, err := l.policy(ctx)
		if err != nil {
			problems = append(problems, driver.Errorf(driver.CodeOf(err), op, "its configuration cannot be read: %w", err))
			continue
		}
		if l.hold = w.options.Hold; l.hold == 0 {
			l.hold = policy.Hold
		}
		l.brokerLimit = policy.MaxAttempts
		for _, err := range l.problems(&policy) {
			problems = append(problems, driver.Errorf(driver.InvalidArgument, op, "%w", err))
		}
	}
	return errors.Join(problems...)
}

// policy is what the broker says, or what was declared where it does not or may
// not be read.
func (l *lane) policy(ctx context.Context) (driver.Policy, error) {
	ctx, cancel := context.WithTimeout(ctx, policyTime)
	defer cancel()
	policy, err := l.queue.Driver.Policy(ctx)
	declared := l.queue.Declared
	switch {
	case declared == nil:
	case driver.Is(err, driver.PermissionDenied) || driver.Is(err, driver.Unsupported):
		return *declared, nil
	case err == nil: // what the driver could not find out is zero
		policy.Hold = cmp.Or(policy.Hold, declared.Hold)
		policy.MaxAttempts = cmp.Or(policy.MaxAttempts, declared.MaxAttempts)
		policy.Retention = cmp.Or(policy.Retention, declared.Retention)
		policy.DeadLetterRetention = cmp.Or(policy.DeadLetterRetention, declared.DeadLetterRetention)
	}
	return policy, err
}

func (l *lane) problems(p *driver.Policy) (problems []error) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	c, o := &l.queue.capabilities, &l.worker.options
	switch {
	case p.DeadLetterTarget == "":
		fail("it has no dead letter, so a task that fails for good would be lost; give it one")
	case !p.DeadLetterReadable:
		fail("nothing keeps what arrives in its dead letter %q; give that a reader", p.DeadLetterTarget)
	default:
		need := l.worker.mux.maxDeliveries(l.queue) + spareDeliveries
		if p.MaxAttempts == 0 {
			fail("the broker's attempt limit is unknown; let this program read it, or declare it, at least %d", need)
		} else if p.MaxAttempts < need {
			fail("the broker's attempt limit %d is below %d, so it would bury tasks that have attempts left; raise it or lower MaxAttempts",
				p.MaxAttempts, need)
		}
	}
	switch {
	case l.hold == 0:
		fail("its hold is unknown; set WorkerOptions.Hold")
	case c.FixedHold && o.Hold != 0 && o.Hold != p.Hold:
		fail("hold %v differs from the queue's own %v, which this broker fixes; leave it 0", o.Hold, p.Hold)
	case o.Hold != 0 && !c.FixedHold && (o.Hold < c.MinHold || o.Hold > c.MaxHold):
		fail("hold %v is not within the broker's %v to %v", o.Hold, c.MinHold, c.MaxHold)
	}
	if kind, t := l.worker.mux.longest(); t > 0 && t >= c.MaxTotalHold-min(totalMargin, c.MaxTotalHold/10) {
		fail("the timeout %v of kind %q does not fit into the %v for which the broker keeps a lease in all, less what is kept back of that; shorten it", t, kind, c.MaxTotalHold)
	}
	if p.RetryDelay > 0 {
		fail("the broker adds %v before each retry to the worker's own backoff; remove its retry policy", p.RetryDelay)
	}
	if p.Retention > 0 && p.DeadLetterRetention > 0 && p.DeadLetterRetention != driver.Unlimited && p.DeadLetterRetention <= p.Retention {
		fail("the dead letter keeps messages for %v, not longer than the queue's %v, so some would vanish; raise it",
			p.DeadLetterRetention, p.Retention)
	}
	return problems
}

// maxDeliveries is the most deliveries that any kind allows on a queue.
func (m *Mux) maxDeliveries(q *QueueInfo) int {
	most := q.Retry.maxDeliveries()
	for _, h := range m.handlers {
		if h.retry != nil {
			most = max(most, h.retry.maxDeliveries())
		}
	}
	return most
}

// longest is the kind with the longest timeout.
func (m *Mux) longest() (kind string, timeout time.Duration) {
	for k, h := range m.handlers {
		if t := max(h.timeout, h.hardTimeout); t > timeout || t == timeout && k < kind {
			kind, timeout = k, t
		}
	}
	return kind, timeout
}
