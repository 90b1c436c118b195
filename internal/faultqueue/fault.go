package faultqueue

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Next lets a call go on to the inner queue. It sets the results of the call.
type Next func(ctx context.Context, c *Call)

// Fault is what happens to a call in place of going on. It must set the results
// of the call, by calling next or Call.Fail. It may call next several times.
type Fault func(ctx context.Context, c *Call, next Next)

// FailBefore fails the call with err, and it has no effect.
func FailBefore(err error) Fault {
	return func(_ context.Context, c *Call, _ Next) { c.Fail(err) }
}

// FailAfter lets the call take effect and then fails it with err, so that the
// caller does not learn the outcome.
func FailAfter(err error) Fault {
	return func(ctx context.Context, c *Call, next Next) {
		next(ctx, c)
		c.Fail(err)
	}
}

// Lie changes the arguments before the call goes on, and the results after it
// came back. Either may be nil.
func Lie(arguments, results func(c *Call)) Fault {
	return func(ctx context.Context, c *Call, next Next) {
		if arguments != nil {
			arguments(c)
		}
		next(ctx, c)
		if results != nil {
			results(c)
		}
	}
}

// Stall lets the call go on after d. When ctx ends first the call fails with its
// code and has no effect.
func Stall(d time.Duration) Fault {
	return func(ctx context.Context, c *Call, next Next) {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			next(ctx, c)
		case <-ctx.Done():
			c.Fail(driver.ContextError(ctx, "faultqueue: "+c.Op.String()))
		}
	}
}

// Hang keeps the call until ctx ends. It has no effect.
func Hang() Fault {
	return func(ctx context.Context, c *Call, _ Next) {
		<-ctx.Done()
		c.Fail(driver.ContextError(ctx, "faultqueue: "+c.Op.String()))
	}
}

// On applies f to the items of a batch call that pick chooses by their place;
// the others go on first, in a call of their own. Without an item chosen, or for
// a call without items, the call goes on as it is.
func On(pick func(item int) bool, f Fault) Fault {
	return func(ctx context.Context, c *Call, next Next) {
		var chosen, rest []int
		for i := range c.Len() {
			if pick(i) {
				chosen = append(chosen, i)
			} else {
				rest = append(rest, i)
			}
		}
		if len(chosen) == 0 {
			next(ctx, c)
			return
		}
		c.Fail(nil) // makes the slots
		if len(rest) > 0 {
			p := c.part(rest)
			next(ctx, p)
			c.merge(p, rest)
		}
		p := c.part(chosen)
		f(ctx, p, next)
		c.merge(p, chosen)
	}
}

// Item is a pick for On: the one at this place.
func Item(i int) func(int) bool { return func(j int) bool { return i == j } }
