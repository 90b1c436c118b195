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

// earlyTolerance is how much too early a task may run, for clocks that differ.
const earlyTolerance = 2 * time.Second

// totalMargin is kept back of a broker's limit on the life of a lease.
const totalMargin = time.Minute

// Dispatch decodes a delivery, runs its handler and decides what becomes of it.
// It settles nothing and touches no queue: a worker, a Lambda function and a
// push endpoint all do with the Decision what suits them.
//
// ctx is the handler's. When it ends with cause ErrLeaseLost the decision is at
// most an Ack; when it ends with ErrDraining an attempt that was cut short by it
// is released at once.
func (m *Mux) Dispatch(ctx context.Context, d Delivery) (decision Decision) {
	message := d.Lease.Message()
	info, expiry, err := m.open(d, &message)
	if err != nil {
		return bury(d, driver.ReasonUndecodable, err)
	}
	if message.Defect != nil {
		m.logger.Warn("a reserved attribute does not decode; the task's attempts start anew",
			"queue", d.Queue.Name, "message", message.ID, "error", message.Defect)
	}
	now := time.Now()
	carry := message.Carry
	if message.Death != nil { // moved back by other means than Redrive
		carry = carry.Redriven()
	}
	h := m.handlers[info.Kind]
	policy := d.Queue.Retry
	if h != nil && h.retry != nil {
		policy = h.retry
	}
	info.Attempt = carry.Attempts + max(1, d.Lease.Attempt())
	info.MaxAttempts = policy.maxAttempts()
	info.Redrives = carry.Redrives
	info.logger = m.logger
	a := attempt{d, info, policy, carry}
	defer func() {
		if v := recover(); v != nil { // in an error's own methods, or in a Backoff
			a.policy = &RetryPolicy{MaxAttempts: policy.MaxAttempts}
			decision = a.decide(ctx, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()

	switch {
	case !expiry.IsZero() && now.After(expiry) && !carry.IgnoreExpiry:
		return a.bury(driver.ReasonExpired, fmt.Errorf("its time to live ended at %s", expiry.UTC().Format(time.RFC3339)))
	case info.Attempt > policy.maxDeliveries():
		return a.bury(driver.ReasonCrashed, fmt.Errorf("delivered %d times, more than %d, without a result", info.Attempt, policy.maxDeliveries()))
	case carry.NotBefore.Sub(now) > earlyTolerance:
		return a.hop()
	case h == nil:
		return a.unknown()
	}
	return a.decide(ctx, h.call(ctx, info))
}

// attempt is one delivery on its way to a Decision.
type attempt struct {
	Delivery
	info   *Info
	policy *RetryPolicy
	carry  driver.Carry
}

// call runs the handler within its timeout and turns a panic into an error.
func (h *handler) call(ctx context.Context, t *Info) (err error) {
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, h.timeout, ErrTimeout)
		defer cancel()
	}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil && errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), ErrTimeout) {
			err = fmt.Errorf("%w after %v: %w", ErrTimeout, h.timeout, err)
		}
	}()
	return h.run(ctx, t)
}

// decide turns what the handler returned into a Decision.
func (a *attempt) decide(ctx context.Context, err error) Decision {
	cause := context.Cause(ctx)
	if err == nil {
		// Also on a lost lease: the ack is harmless, and saves a rerun where the
		// broker has not delivered the task again.
		return a.with(ack(a.Delivery), nil)
	}
	if errors.Is(cause, ErrLeaseLost) {
		return Decision{Action: Nothing, Task: a.info, Err: err}
	}
	if errors.Is(cause, ErrDraining) && (errors.Is(err, context.Canceled) || errors.Is(err, ErrDraining)) {
		return a.with(a.release(0), err) // cut short, which is no failure
	}
	if undecodable, ok := errors.AsType[*undecodableError](err); ok {
		return a.bury(driver.ReasonUndecodable, undecodable)
	}
	if _, ok := errors.AsType[*permanentError](err); ok || a.policy.never(err) {
		return a.bury(driver.ReasonPermanent, err)
	}
	if a.info.Attempt >= a.info.MaxAttempts {
		return a.bury(driver.ReasonExhausted, err)
	}
	if after, ok := errors.AsType[*retryAfterError](err); ok {
		return a.again(after.delay, err)
	}
	return a.again(a.policy.delay(a.info.ID, a.info.Attempt), err)
}

// unknown puts off a task that this program has no handler for.
func (a *attempt) unknown() Decision {
	err := fmt.Errorf("no handler for kind %q", driver.CutText(a.info.Kind, maxKind))
	if a.info.Attempt >= a.info.MaxAttempts {
		return a.bury(driver.ReasonUnknownKind, err)
	}
	return a.again(max(unknownKindDelay, a.policy.delay(a.info.ID, a.info.Attempt)), err)
}

// again runs the task once more after a delay.
func (a *attempt) again(delay time.Duration, err error) Decision {
	if a.canRelease(delay) {
		return a.with(a.release(delay), err)
	}
	carry := a.carry
	carry.Attempts = a.info.Attempt
	if carry.FirstError == "" && err != nil {
		carry.FirstError = driver.CutText(err.Error(), driver.MaxFirstError)
	}
	return a.with(a.copy(delay, carry), err)
}

// hop sends a task on that came before it is due. It is not an attempt: so far
// this copy was delivered for hops only. Where a send cannot be delayed a copy
// comes at once, and is first released for as long as that goes; the delivery
// after the last such release counts as one attempt too many.
func (a *attempt) hop() Decision {
	carry := a.carry
	left := time.Until(carry.NotBefore)
	if longest := a.longestRelease(); longest > 0 && a.Lease.Attempt() <= 1 && !a.Queue.capabilities.SendDelay.Supported() {
		return a.with(a.release(min(left, longest)), nil)
	}
	carry.Hops++
	return a.with(a.copy(left, carry), nil)
}

// canRelease says whether the broker can hide the message itself for so long.
func (a *attempt) canRelease(delay time.Duration) bool {
	return delay == 0 || delay <= a.longestRelease()
}

// longestRelease is how long the broker can hide the message itself.
func (a *attempt) longestRelease() time.Duration {
	c := &a.Queue.capabilities
	switch {
	case !c.ReleaseDelay.Supported():
		return 0
	case c.MaxTotalHold == driver.Unlimited:
		return c.MaxReleaseDelay
	}
	left := c.MaxTotalHold - time.Since(a.Lease.Received()) - min(totalMargin, c.MaxTotalHold/10)
	return min(c.MaxReleaseDelay, left)
}

func (a *attempt) release(delay time.Duration) Decision {
	return Decision{Action: Settle, Settlement: driver.Settlement{Lease: a.Lease, Verdict: driver.Release, Delay: delay}}
}

// copy sends the task anew with as much of the delay as the broker gives.
func (a *attempt) copy(delay time.Duration, carry driver.Carry) Decision {
	c := &a.Queue.capabilities
	copied := driver.CopyOf(a.Lease.Message())
	carry.NotBefore = time.Now().Add(delay)
	copied.Carry = carry
	copied.Delay = min(delay, c.MaxSendDelay)
	decision := ack(a.Delivery)
	decision.Action, decision.Copy = CopyThenAck, &copied
	return decision
}

func (a *attempt) bury(reason string, err error) Decision {
	detail := err
	if first := a.carry.FirstError; first != "" {
		detail = fmt.Errorf("%w; first error: %s", err, first)
	}
	decision := a.with(bury(a.Delivery, reason, detail), err)
	if carry := a.carry; !carry.IsZero() {
		decision.Settlement.Carry = &carry
	}
	return decision
}

func (a *attempt) with(d Decision, err error) Decision {
	d.Task, d.Err = a.info, err
	return d
}
