package pushentry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// SettingDelays is the Setting of a finding on a kind that needs delays.
const SettingDelays runtime.Setting = "delays"

const (
	// minDeadline is the shortest ack deadline of Pub/Sub.
	minDeadline = 10 * time.Second
	// minRun is the least time that has to be left for a handler.
	minRun = time.Second
)

// Check is the start-up check: it reads how each queue is configured, once, and
// refuses one on which the tasks of the Mux could be lost, or could not be retried as
// they should: without dead letter, with too low an attempt limit or without a retry
// policy, and kinds that need delays or more time than the ack deadline leaves. It
// fetches the keys that sign tokens.
//
// The error joins one for each problem: a runtime.Finding, for errors.As, with code
// InvalidArgument, or why a queue's configuration or the keys could not be read, with
// the code that reading answered. Until Check has read it, a queue has the ack deadline
// that its URL declares, else Pub/Sub's default of 10 s. It is safe for concurrent use.
func (h *Handler) Check(ctx context.Context) error {
	return together(h.examine(ctx))
}

// problem is something for which a check does not pass.
type problem struct {
	err  error
	hope hope
}

// hope is for how long another check may find that a problem is gone.
type hope uint8

const (
	hopeNone  hope = iota // somebody has to do something
	hopeBrief             // shortly after a deployment: a grant or a subscription is not there yet
	hopeLong              // always: who was asked did not answer
)

// unread is the problem that something could not be read.
func unread(err error) problem {
	switch {
	case driver.Retryable(err):
		return problem{err, hopeLong}
	case driver.Is(err, driver.PermissionDenied), driver.Is(err, driver.NotFound):
		return problem{err, hopeBrief}
	}
	return problem{err, hopeNone}
}

// together is one error of all problems, nil without any.
func together(all []problem) error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// examine is Check with each problem.
func (h *Handler) examine(ctx context.Context) (problems []problem) {
	for _, q := range h.routes {
		policy, all, err := runtime.CheckQueue(ctx, q.hosted, h.mux)
		if err != nil {
			problems = append(problems, unread(err))
			continue
		}
		for _, f := range append(common(all), h.findings(q, &policy)...) {
			p := problem{err: driver.Errorf(driver.InvalidArgument, fmt.Sprintf("pushentry: check queue %q", f.Queue), "%w", f)}
			// A subscription always has a retention. Without one it was not read, and
			// what stands in for it has no retry policy.
			if f.Setting == runtime.SettingRetryDelay && policy.Retention == 0 {
				p.hope = hopeBrief
			}
			problems = append(problems, p)
		}
		if h.mux.Limited(q.queue) {
			h.options.Logger.Warn("limits of rate and concurrency of the queue or its kinds are a Worker's, and not kept; set Options.Concurrency", "queue", q.queue.Name)
		}
		if policy.AlsoSentTo != "" {
			h.options.Logger.Warn("others get a copy of each task of this queue, and of each that is redriven; give the queue a topic of its own",
				"queue", q.queue.Name, "others", policy.AlsoSentTo)
		}
		if q.unwrapped {
			h.options.Logger.Warn("Pub/Sub does not tell the attempt of an unwrapped push, so MaxAttempts is not kept; its own limit is",
				"queue", q.queue.Name, "limit", policy.MaxAttempts)
		}
	}
	if h.tokens != nil && !h.options.SignatureChecked {
		if err := h.tokens.keys.load(ctx); err != nil {
			problems = append(problems, unread(err))
		}
	}
	return problems
}

// common are the findings that a Worker has too. It keeps leases and delays retries by
// itself; here the broker alone does.
func common(all []runtime.Finding) (kept []runtime.Finding) {
	for _, f := range all {
		switch f.Setting {
		case runtime.SettingRetryDelay, runtime.SettingHold, runtime.SettingTimeout:
		default:
			kept = append(kept, f)
		}
	}
	return kept
}

// findings are what a push needs beside that.
func (h *Handler) findings(q *route, p *driver.Policy) (found []runtime.Finding) {
	add := func(s runtime.Setting, problem, why, fix string) {
		found = append(found, runtime.Finding{Queue: q.queue.Name, Setting: s, Problem: problem, Why: why, Fix: fix})
	}
	retry := p.RetryDelay
	if d := q.queue.Declared; d != nil {
		retry = cmp.Or(retry, d.RetryDelay)
	}
	if retry <= 0 {
		add(runtime.SettingRetryDelay, "the subscription has no retry policy, or this program may not read it",
			"a failed task comes back at once", "give it one, or declare its RetryDelay")
	}
	for _, kind := range h.mux.Delayed() {
		add(SettingDelays, runtime.KindName(kind)+" needs delays", "its tasks would come at the times of the subscription's retry policy, and use up their attempts",
			"have a Worker pull them from a queue of their own")
	}
	switch {
	case p.Hold == 0:
		add(runtime.SettingHold, "its ack deadline is unknown", "a handler could not be stopped in time",
			"let this program read the subscription, or declare hold in its URL")
		return found
	case p.Hold < minDeadline:
		add(runtime.SettingHold, fmt.Sprintf("its ack deadline %v is below %v", p.Hold, minDeadline), "nothing would be done in time", "raise it")
		return found
	}
	now := time.Now()
	lease := q.adopter.Adopt("", driver.Message{}, 1, now)
	room := lease.Expires().Sub(now) - h.margin(lease)
	kind, timeout := h.mux.LongestTimeout()
	switch {
	case room < minRun:
		add(runtime.SettingHold, fmt.Sprintf("its ack deadline %v leaves %v for a handler", p.Hold, room), "nothing would be done in time",
			"raise it, or lower Options.Margin")
	case timeout >= room:
		add(runtime.SettingTimeout, fmt.Sprintf("the timeout %v of %s is not below the %v that the ack deadline %v leaves for a handler", timeout, runtime.KindName(kind), room, p.Hold),
			"a task that takes as long would be pushed again while it runs", "raise the ack deadline or shorten the timeout")
	}
	return found
}
