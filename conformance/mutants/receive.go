package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func receiveMutants() []Mutant {
	return []Mutant{
		{Name: "answers (nil, nil) early", On: onMem, CaughtBy: by("receive-waits"),
			Break: lie(fq.Receive, func(c *fq.Call) { c.Options.Wait /= 2 }, nil)},
		{Name: "answers (nil, nil) late", On: onMem, CaughtBy: by("receive-waits"),
			Break: lie(fq.Receive, func(c *fq.Call) { c.Options.Wait = c.Options.Wait * 3 / 2 }, nil)},
		{Name: "waits a second where none was asked", On: onMem, CaughtBy: by("receive-without-wait"),
			Break: lie(fq.Receive, func(c *fq.Call) { c.Options.Wait = max(c.Options.Wait, time.Second) }, nil)},
		{Name: "sees what lapsed only when it waits", On: onMem, CaughtBy: by("receive-without-wait"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					if c.Options.Wait == 0 && len(c.Received) == 1 && c.Received[0].Attempt() > 1 {
						source(q, c).Settle(ctx, []driver.Settlement{{Lease: c.Received[0], Verdict: driver.Release}})
						c.Received = nil
					}
				}
			})},
		{Name: "looks for messages every second", On: onMem, CaughtBy: by("receive-wakes"), Break: fault(fq.Receive, looks)},
		{Name: "looks for dead letters every second", On: onMem, CaughtBy: by("receive-wakes"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.Dead {
					looks(ctx, c, next)
					return
				}
				next(ctx, c)
			})},
		{Name: "tells a receiver that waits a second late what is due", On: onMem, CaughtBy: by("receive-wakes-when-due"), Break: wakeLate},
		{Name: "does one call at a time", On: onMem, CaughtBy: by("receive-holds-up-nobody", "receive-wakes"), Break: oneAtATime},
		{Name: "receives one at a time", On: onLimited, CaughtBy: by("receive-holds-up-nobody"), Break: oneReceive},
		{Name: "waits for a full batch", On: onMem, CaughtBy: by("receive-first"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				end := time.Now().Add(c.Options.Wait)
				next(ctx, c)
				if n := len(c.Received); n > 0 && n < c.Options.Max {
					pause(ctx, time.Until(end))
				}
			})},
		{Name: "leases one more than asked", On: onMem, CaughtBy: by("receive-max"),
			Break: lie(fq.Receive, func(c *fq.Call) {
				if c.Options.Max < 1000 {
					c.Options.Max++
				}
			}, nil)},
		{Name: "keeps for itself what goes past a batch", On: onMem, CaughtBy: by("receive-max"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				most := c.Options.Max
				if most == 2 {
					c.Options.Max = 10
				}
				next(ctx, c)
				c.Received = c.Received[:min(len(c.Received), max(most, 0))]
			})},
		{Name: "clamps what a receive asks for", On: onMem, CaughtBy: by("receive-refusals"),
			Break: lie(fq.Receive, func(c *fq.Call) {
				c.Options.Max, c.Options.Wait = min(max(c.Options.Max, 1), 1000), max(c.Options.Wait, 0)
			}, nil)},
		{Name: "leases and then refuses a receive", On: onMem, CaughtBy: by("receive-refusals"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					if c.Options.Max > 1000 {
						_, _ = source(q, c).Receive(ctx, driver.ReceiveOptions{Max: 1000})
					}
					next(ctx, c)
				}
			})},
		{Name: "does not notice that its context ends", On: onMem, CaughtBy: by("receive-honours-context"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) { next(context.WithoutCancel(ctx), c) })},
		{Name: "answers (nil, nil) when its context ends", On: onMem, CaughtBy: by("receive-honours-context"),
			Break: lie(fq.Receive, nil, func(c *fq.Call) {
				if driver.Is(c.Err, driver.Canceled) {
					c.Err = nil
				}
			})},
		{Name: "drops what a cancelled receive has leased", On: onMem, CaughtBy: by("receive-ending-loses-nothing"), Break: fault(fq.Receive, strand)},
		{Name: "acks what a cancelled receive has leased", On: onLimited, CaughtBy: by("receive-ending-loses-nothing"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(context.WithoutCancel(ctx), c)
					time.Sleep(time.Millisecond)
					if ctx.Err() == nil {
						return
					}
					for _, l := range c.Received {
						source(q, c).Settle(context.WithoutCancel(ctx), []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
					}
					c.Fail(driver.ContextError(ctx, "mutant: receive"))
				}
			})},
	}
}

// wakeLate delivers a second late, to a receiver that waits, what was delivered
// before.
func wakeLate(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Receive, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		if len(c.Received) == 1 && c.Received[0].Attempt() > 1 && c.Options.Wait > 0 {
			pause(ctx, time.Second)
		}
	}})
}

// oneAtATime does no call while another waits.
func oneAtATime(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Fault: exclusive()})
}

// oneReceive does no receive while another waits.
func oneReceive(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Receive, Fault: exclusive()})
}

// exclusive lets calls go on one after the other.
func exclusive() fq.Fault {
	lock := make(chan struct{}, 1) // not a mutex, which would stop virtual time
	return func(ctx context.Context, c *fq.Call, next fq.Next) {
		lock <- struct{}{}
		defer func() { <-lock }()
		next(ctx, c)
	}
}

// looks is a receive that does not wait but looks every second.
func looks(ctx context.Context, c *fq.Call, next fq.Next) {
	end := time.Now().Add(c.Options.Wait)
	c.Options.Wait = 0
	for {
		next(ctx, c)
		left := time.Until(end)
		if len(c.Received) > 0 || c.Err != nil || left <= 0 {
			return
		}
		pause(ctx, min(time.Second-time.Millisecond, left))
	}
}

// strand is a receive that forgets what it has leased when its context has
// ended by then.
func strand(ctx context.Context, c *fq.Call, next fq.Next) {
	next(context.WithoutCancel(ctx), c)
	time.Sleep(time.Millisecond)
	if ctx.Err() != nil {
		c.Fail(driver.ContextError(ctx, "mutant: receive"))
	}
}

// pause waits for a time, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
