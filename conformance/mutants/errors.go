package mutants

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

// blame changes every error.
func blame(f func(err error) error) breaker {
	return lie(fq.Any, nil, func(c *fq.Call) {
		for i := range c.Sent {
			c.Sent[i].Err = f(c.Sent[i].Err)
		}
		for i := range c.Extended {
			c.Extended[i].Err = f(c.Extended[i].Err)
		}
		for i := range c.Settled {
			c.Settled[i] = f(c.Settled[i])
		}
		c.Err = f(c.Err)
	})
}

// recode answers another code.
func recode(from, to driver.Code) breaker {
	return blame(func(err error) error {
		if driver.Is(err, from) {
			return driver.Errorf(to, "mutant", "%w", errors.New("as it happens"))
		}
		return err
	})
}

func errorMutants() []Mutant {
	return []Mutant{
		{Name: "works on after Close", On: onMem, CaughtBy: by("closed"),
			Break: fault(fq.Close, func(context.Context, *fq.Call, fq.Next) {})},
		{Name: "leaves the dead letter open", On: onMem, CaughtBy: by("closed"), Break: openDead},
		{Name: "answers NotFound after Close", On: onMem, CaughtBy: by("closed"), Break: recode(driver.Closed, driver.NotFound)},
		{Name: "fails a second Close", On: onMem, CaughtBy: by("close-twice"),
			Break: fault(fq.Close, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.N > 1 {
					c.Fail(driver.Errorf(driver.Closed, "mutant: close", "closed already"))
					return
				}
				next(ctx, c)
			})},
		{Name: "leaves receivers waiting after Close", On: onMem, CaughtBy: by("close-ends-calls", "close-ends-move-all"), Break: closeAround},
		{Name: "answers (nil, nil) to receivers at Close", On: onMem, CaughtBy: by("close-ends-calls"),
			Break: lie(fq.Receive, nil, func(c *fq.Call) {
				if driver.Is(c.Err, driver.Closed) {
					c.Err = nil
				}
			})},
		{Name: "goes on with a cancelled context", On: onMem, CaughtBy: by("cancelled", "deadline"),
			Break: fault(fq.Settle, func(ctx context.Context, c *fq.Call, next fq.Next) { next(context.WithoutCancel(ctx), c) })},
		{Name: "sends with an ended context", On: onMem, CaughtBy: by("cancelled", "deadline"),
			Break: fault(fq.Send, func(ctx context.Context, c *fq.Call, next fq.Next) { next(context.WithoutCancel(ctx), c) })},
		{Name: "answers Unavailable when it is cancelled", On: onMem, CaughtBy: by("cancelled"), Break: recode(driver.Canceled, driver.Unavailable)},
		{Name: "answers Canceled past a deadline", On: onMem, CaughtBy: by("deadline"), Break: recode(driver.DeadlineExceeded, driver.Canceled)},
		{Name: "answers Unknown for an oversize body", On: onMem, CaughtBy: by("body-limit", "send-one-bad-item"), Break: recode(driver.TooLarge, driver.Unknown)},
		{Name: "answers InvalidArgument for what is unsupported", On: onLimited, CaughtBy: by("fairness-key", "send-delay", "release-later", "move-all"),
			Break: recode(driver.Unsupported, driver.InvalidArgument)},
		{Name: "answers errors without a code", On: onMem, CaughtBy: by("body-empty", "late-ack", "closed"),
			Break: blame(func(err error) error {
				if err == nil {
					return nil
				}
				return errors.New(err.Error())
			})},
		{Name: "answers errors that name no operation", On: onMem, CaughtBy: by("body-empty", "late-ack", "closed"),
			Break: blame(func(err error) error {
				if err == nil {
					return nil
				}
				return &driver.Error{Code: driver.CodeOf(err), Err: err}
			})},
	}
}

// closeAround closes for new calls only.
func closeAround(q driver.Queue) driver.Queue {
	var closed atomic.Bool
	return fq.New(q,
		fq.Rule{Op: fq.Close, Fault: func(context.Context, *fq.Call, fq.Next) { closed.Store(true) }},
		fq.Rule{Match: func(*fq.Call) bool { return closed.Load() }, Fault: fq.FailBefore(driver.Errorf(driver.Closed, "mutant", "closed"))})
}

// openDead closes only the queue.
func openDead(q driver.Queue) driver.Queue {
	var closed atomic.Bool
	return fq.New(q,
		fq.Rule{Op: fq.Close, Fault: func(context.Context, *fq.Call, fq.Next) { closed.Store(true) }},
		fq.Rule{Match: func(c *fq.Call) bool { return closed.Load() && !c.Dead }, Fault: fq.FailBefore(driver.Errorf(driver.Closed, "mutant", "closed"))})
}
