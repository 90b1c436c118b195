package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// unknownKindDelay is the least time before a task whose kind nobody handles
// here is offered again: a worker that knows it may be on its way.
const unknownKindDelay = time.Minute

// Dispatch decodes a delivery, runs its handler and decides what becomes of it.
// It settles nothing and touches no queue: a worker, a Lambda function and a
// push endpoint all do with the Decision what suits them.
//
// ctx is the handler's. When it ends with cause ErrLeaseLost the decision is at
// most an Ack; when it ends with ErrDraining an attempt that was cut short by it
// is released at once.
func (m *Mux) Dispatch(ctx context.Context, d Delivery) (decision Decision) {
	message := d.Lease.Message()
	signals := m.signalsOf(&d)
	info, opened, err := m.open(d, &message)
	if err != nil {
		decision = bury(d, driver.ReasonUndecodable, err)
		if signals != nil {
			decision.signals = signals.kind(unknownKind, true)
		}
		return decision
	}
	if message.Defect != nil {
		m.logger.Warn("a reserved attribute does not decode; the task's attempts start anew",
			"queue", d.Queue.Name, "message", message.ID, "error", message.Defect)
	}
	h := m.handlerOf(info.Kind)
	a := m.attempt(d, h, info, &message)
	var now time.Time // where something depends on it
	if signals != nil || !opened.expiry.IsZero() || !a.carry.NotBefore.IsZero() {
		now = time.Now()
	}
	info.Redrives = a.carry.Redrives
	info.logger = m.logger
	if signals != nil {
		a.signals = m.kindSignals(signals, h, info.Kind)
		signals.lookAtClocks(info.EnqueuedAt, message.SentAt, now)
	}
	var run processing
	returned := false
	defer func() {
		v := recover() // of an error's own methods, or of a Backoff
		switch {
		case v != nil:
			a.policy = &RetryPolicy{MaxAttempts: a.policy.MaxAttempts}
			decision = a.decide(ctx, &PanicError{Value: v, Stack: debug.Stack()})
		case !returned && d.held != nil:
			decision = a.decide(ctx, errGoexit) // which nobody gets
			exit := decision
			d.held.exit = &exit
		case !returned: // the host finds that out, and decides
			decision.Err = errGoexit
		}
		run.end(&decision)
	}()
	expiry := opened.expiry

	switch {
	case !expiry.IsZero() && now.After(expiry) && !a.carry.IgnoreExpiry:
		decision = a.bury(driver.ReasonExpired, fmt.Errorf("its time to live ended at %s", expiry.UTC().Format(time.RFC3339)))
	case info.Attempt > a.policy.maxDeliveries():
		decision = a.bury(driver.ReasonCrashed, fmt.Errorf("delivered %d times, more than %d, without a result", info.Attempt, a.policy.maxDeliveries()))
	case a.carry.NotBefore.Sub(now) > earlyTolerance:
		decision = a.hop()
	case a.chained() && d.Lease.Attempt() > 1:
		decision = a.arrive()
	case h == nil:
		decision = a.unknown()
	case m.strays.has(info.ID):
		err := fmt.Errorf("%w: an earlier attempt was given up and still runs here", ErrTimeout)
		decision = a.again(max(time.Second, a.policy.delay(info.ID, info.Attempt)), err)
	case info.Attempt > info.MaxAttempts && d.held != nil && !d.held.inLine:
		d.held.inLine = true
		decision = a.with(a.keep(queueUp, placeOf(d.held.id, d.Lease.Attempt())), nil)
	case info.Attempt > info.MaxAttempts && d.held != nil && !d.held.alone():
		decision = a.with(a.keep(queueUp, 0), nil)
	default:
		if info.packed != nil {
			if d, done := a.unpack(ctx); done {
				decision = d
				break
			}
			now = time.Now() // of the handler's start
		}
		var worker *Worker
		if d.held != nil {
			d.held.ran = true
			worker = d.held.lane.worker
		}
		within := run.process(ctx, &a, opened.carrier, now)
		decision = a.decide(ctx, m.call(within, h, info, worker))
	}
	returned = true
	return decision
}

// attempt is one delivery on its way to a Decision.
type attempt struct {
	Delivery
	mux    *Mux
	info   *Info
	policy *RetryPolicy
	carry  driver.Carry
	group  string

	messageID string
	signals   *kindSignals // nil without telemetry
}

// attempt is what a delivery of a task is an attempt at; h may be nil.
func (m *Mux) attempt(d Delivery, h *handler, info *Info, message *driver.Message) attempt {
	a := attempt{Delivery: d, mux: m, info: info, policy: d.Queue.Retry, carry: message.Carry, group: message.GroupKey, messageID: message.ID}
	if message.Death != nil { // moved back by other means than Redrive
		a.carry = a.carry.Redriven()
	}
	if h != nil && h.retry != nil {
		a.policy = h.retry
	}
	a.count()
	return a
}

// count works out which attempt this is.
func (a *attempt) count() {
	deliveries := a.Lease.Attempt() - a.Behind
	a.info.Attempt = a.carry.Attempts + max(1, deliveries)
	if a.chained() {
		a.info.Attempt = a.carry.Attempts + 1 // all before were hops
	}
	a.info.MaxAttempts = a.policy.maxAttempts()
}

// decide turns what the handler returned into a Decision.
func (a *attempt) decide(ctx context.Context, err error) Decision {
	cause := context.Cause(ctx)
	if err == nil || errors.Is(err, ErrSkip) {
		a.mux.firsts.forget(a.info)
		// Also on a lost lease: the ack is harmless, and saves a rerun where the
		// broker has not delivered the task again.
		return a.with(ack(a.Delivery), nil).as(outcomeSuccess)
	}
	if errors.Is(cause, ErrLeaseLost) {
		return a.lost(err)
	}
	if errors.Is(cause, ErrDraining) && (errors.Is(err, context.Canceled) || errors.Is(err, ErrDraining)) {
		return a.interrupted(err)
	}
	if undecodable, ok := errors.AsType[*undecodableError](err); ok {
		return a.bury(driver.ReasonUndecodable, undecodable)
	}
	if _, ok := errors.AsType[*permanentError](err); ok || a.policy.never(err) {
		return a.bury(driver.ReasonPermanent, err)
	}
	if s, ok := errors.AsType[*snoozeError](err); ok {
		return a.snooze(s.delay)
	}
	if p, ok := errors.AsType[*pauseError](err); ok {
		return a.pause(p)
	}
	if after, ok := errors.AsType[*retryAfterError](err); ok && after.delay <= maxDelay {
		return a.fail(after.delay, err)
	}
	return a.fail(a.policy.delay(a.info.ID, a.info.Attempt), err)
}

// fail is what becomes of a failed attempt.
func (a *attempt) fail(delay time.Duration, err error) Decision {
	if a.info.Attempt >= a.info.MaxAttempts {
		return a.bury(driver.ReasonExhausted, err)
	}
	return a.again(delay, err)
}

// lost is what becomes of an attempt whose lease was lost: nothing, as somebody else may
// have the task by now.
func (a *attempt) lost(err error) Decision {
	return a.with(Decision{Action: Nothing}, err).as(outcomeLost)
}

// interrupted gives back a task that the end of the worker has cut short, which is no
// failure.
func (a *attempt) interrupted(err error) Decision {
	return a.with(a.release(0), err).as(outcomeInterrupted)
}

// unknown puts off a task that this program has no handler for.
func (a *attempt) unknown() Decision {
	err := fmt.Errorf("no handler for kind %q", driver.CutText(a.info.Kind, maxKind))
	if a.info.Attempt >= a.info.MaxAttempts {
		return a.bury(driver.ReasonUnknownKind, err)
	}
	return a.again(max(unknownKindDelay, a.policy.delay(a.info.ID, a.info.Attempt)), err)
}

// bury puts the task into the dead letter, with its first error where that is
// known.
func (a *attempt) bury(reason string, err error) Decision {
	detail := err
	if first := a.firstError(); first != "" && first != err.Error() {
		detail = fmt.Errorf("%w; first error: %s", err, first)
	}
	a.mux.firsts.forget(a.info)
	decision := a.with(bury(a.Delivery, reason, detail), err)
	if carry := a.carry; !carry.IsZero() {
		decision.Settlement.Carry = &carry
	}
	return decision
}

// firstError is the error of the first attempt, where a copy carries it or this
// program saw it.
func (a *attempt) firstError() string {
	if a.carry.FirstError != "" {
		return a.carry.FirstError
	}
	return a.mux.firsts.of(a.info)
}

func (a *attempt) release(delay time.Duration) Decision {
	return Decision{Action: Settle, Settlement: driver.Settlement{Lease: a.Lease, Verdict: driver.Release, Delay: delay}}
}

func (a *attempt) with(d Decision, err error) Decision {
	d.Task, d.Err, d.signals = a.info, err, a.signals
	return d
}
