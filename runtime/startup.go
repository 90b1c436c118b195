package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// spareDeliveries is by how much a broker's own limit must exceed the deliveries
// that the worker allows, so that the worker decides first.
const spareDeliveries = 3

// policyTime bounds the reading of one queue's configuration.
const policyTime = 30 * time.Second

// check refuses queues on which the worker could not keep its promises. It names
// every problem, with its setting and its fix. A broker that does not answer is
// asked again until ctx ends: a worker may start before it.
func (w *Worker) check(ctx context.Context) error {
	for try := 1; ; try++ {
		found, unread := w.examine(ctx)
		if len(found)+len(unread) == 0 {
			w.tellOfOthers()
		}
		if len(found) == 0 && len(unread) > 0 && !slices.ContainsFunc(unread, lasting) {
			wait := max(callBackoff(try, "start"), retryAfter(unread[0]))
			w.options.Logger.Warn("the start-up check cannot be made; trying again", "in", wait, "error", errors.Join(unread...))
			if sleep(ctx, wait) == nil {
				continue
			}
		}
		problems := unread
		for _, f := range found {
			problems = append(problems, driver.Errorf(driver.InvalidArgument, startOp(f.Queue), "%w", f))
		}
		return errors.Join(problems...)
	}
}

// tellOfOthers warns of queues of which others get all tasks too, and those that are
// redriven once more.
func (w *Worker) tellOfOthers() {
	for _, l := range w.lanes {
		if l.alsoSentTo != "" {
			l.logger.Warn("others get a copy of each task of this queue, and of each that is redriven; give the queue a topic of its own",
				"others", l.alsoSentTo)
		}
	}
}

// lasting says that another try would answer the same.
func lasting(err error) bool { return !driver.Retryable(err) }

// Check is the start-up check of Run without running anything: it reads how each
// queue is configured, once, and answers, in the order of the queues, everything
// for which Run would refuse it. The error names the queues whose configuration
// cannot be read, with the code that reading answered, and the store of payloads if
// that cannot; what was found on the others is valid with it. It must not be called while Run is running, nor by two
// goroutines at once.
func (w *Worker) Check(ctx context.Context) ([]Finding, error) {
	found, unread := w.examine(ctx)
	return found, errors.Join(unread...)
}

// examine is Check with an error for each queue that cannot be read.
func (w *Worker) examine(ctx context.Context) (found []Finding, unread []error) {
	for _, l := range w.lanes {
		policy, err := l.queue.policy(ctx)
		if err != nil {
			unread = append(unread, driver.Errorf(driver.CodeOf(err), startOp(l.queue.Name), "its configuration cannot be read: %w", err))
			continue
		}
		l.hold = cmp.Or(l.ask, policy.Hold)
		l.brokerLimit, l.alsoSentTo = policy.MaxAttempts, policy.AlsoSentTo
		found = append(found, w.mux.findings(l.queue, &policy, l.ask)...)
	}
	if err := w.mux.payloads.checkRead(ctx); err != nil {
		unread = append(unread, err)
	}
	return found, unread
}

func startOp(queue string) string { return fmt.Sprintf("runtime: start on queue %q", queue) }

// CheckQueue is [Worker.Check] for one queue and a host of its own that dispatches
// to m, such as a serverless platform's. The policy is what the broker says, or what
// QueueInfo.Declared says where that cannot be read. An error says that it can
// neither be read nor was declared, with the code that reading answered.
func CheckQueue(ctx context.Context, q *QueueInfo, m *Mux) (driver.Policy, []Finding, error) {
	policy, err := q.policy(ctx)
	if err != nil {
		return driver.Policy{}, nil, driver.Errorf(driver.CodeOf(err), startOp(q.Name), "its configuration cannot be read: %w", err)
	}
	return policy, m.findings(q, &policy, q.Hold), nil
}

// policy is what the broker says, or what was declared where it does not or may
// not be read.
func (q *QueueInfo) policy(ctx context.Context) (driver.Policy, error) {
	ctx, cancel := context.WithTimeout(ctx, policyTime)
	defer cancel()
	policy, err := q.Driver.Policy(ctx)
	declared := q.Declared
	switch {
	case declared == nil:
	case driver.Is(err, driver.PermissionDenied) || driver.Is(err, driver.Unsupported):
		return *declared, nil
	case err == nil: // what the driver could not find out is zero; no RetryDelay is one as well
		policy.Hold = cmp.Or(policy.Hold, declared.Hold)
		policy.MaxAttempts = cmp.Or(policy.MaxAttempts, declared.MaxAttempts)
		policy.Retention = cmp.Or(policy.Retention, declared.Retention)
		policy.DeadLetterRetention = cmp.Or(policy.DeadLetterRetention, declared.DeadLetterRetention)
	}
	return policy, err
}

// findings are what is wrong with a queue for the kinds of m; ask is the hold that
// leases are to have, 0 for the queue's own.
func (m *Mux) findings(q *QueueInfo, p *driver.Policy, ask time.Duration) (found []Finding) {
	c := &q.capabilities
	add := func(s Setting, problem, why, fix string) {
		found = append(found, Finding{Queue: q.Name, Setting: s, Problem: problem, Why: why, Fix: fix})
	}
	switch {
	case p.DeadLetterTarget == "":
		add(SettingDeadLetter, "it has no dead letter", "a task that fails for good would be lost", "give it one")
	case !p.DeadLetterReadable:
		add(SettingDeadLetter, fmt.Sprintf("nothing keeps what arrives in its dead letter %q", p.DeadLetterTarget),
			"a task that fails for good would be lost", "give that a reader")
	default:
		need := m.MaxDeliveries(q) + spareDeliveries
		if p.MaxAttempts == 0 {
			add(SettingAttemptLimit, "the broker's attempt limit is unknown", "it might bury tasks that have attempts left",
				fmt.Sprintf("let this program read it, or declare it, at least %d", need))
		} else if p.MaxAttempts < need {
			add(SettingAttemptLimit, fmt.Sprintf("the broker's attempt limit %d is below %d", p.MaxAttempts, need),
				"it would bury tasks that have attempts left", "raise it or lower MaxAttempts")
		}
	}
	switch {
	case cmp.Or(ask, p.Hold) == 0:
		add(SettingHold, "its hold is unknown", "a lease could not be extended in time", "set WorkerOptions.Hold")
	case c.FixedHold && ask != 0 && ask != p.Hold:
		add(SettingHold, fmt.Sprintf("hold %v differs from the queue's own %v, which this broker fixes", ask, p.Hold),
			"it would refuse to lease anything", "leave it 0")
	case ask != 0 && !c.FixedHold && (ask < c.MinHold || ask > c.MaxHold):
		add(SettingHold, fmt.Sprintf("hold %v is not within the broker's %v to %v", ask, c.MinHold, c.MaxHold),
			"it would refuse to lease anything", "choose one that is")
	}
	if kind, t := m.LongestTimeout(); t > 0 && t >= c.MaxTotalHold-min(totalMargin, c.MaxTotalHold/10) {
		add(SettingTimeout, fmt.Sprintf("the timeout %v of %s does not fit into the %v for which the broker keeps a lease in all, less what is kept back of that",
			t, KindName(kind), c.MaxTotalHold), "a task that takes as long would lose its lease", "shorten it")
	}
	if p.RetryDelay > 0 {
		add(SettingRetryDelay, fmt.Sprintf("the broker adds %v before each retry to the worker's own backoff", p.RetryDelay),
			"tasks would wait longer than they should", "remove its retry policy")
	}
	if p.Retention > 0 && p.DeadLetterRetention > 0 && p.DeadLetterRetention != driver.Unlimited && p.DeadLetterRetention <= p.Retention {
		add(SettingDeadLetterRetention, fmt.Sprintf("the dead letter keeps messages for %v, not longer than the queue's %v",
			p.DeadLetterRetention, p.Retention), "some would vanish", "raise it")
	}
	return found
}
