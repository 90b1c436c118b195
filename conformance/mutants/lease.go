package mutants

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func leaseMutants() []Mutant {
	return []Mutant{
		{Name: "leases for half as long as it says", On: onMem, CaughtBy: by("lease-hides", "lease-lapses", "expires-tells-the-truth"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				leaseFor(ctx, c, next, 15*time.Second)
			})},
		{Name: "never gives back what was not acked", On: onMem, CaughtBy: by("lease-lapses", "attempt-counts"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				leaseFor(ctx, c, next, 12*time.Hour)
			})},
		{Name: "drops attributes of what lapsed", On: onMem, CaughtBy: by("lease-lapses"),
			Break: views(func(_ *fq.Call, v *fq.View) {
				if v.Attempt > 1 {
					v.Message.Attributes = nil
				}
			})},
		{Name: "leases for ten seconds longer than it says", On: onMem, CaughtBy: by("lease-lapses"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				leaseFor(ctx, c, next, 40*time.Second)
			})},
		{Name: "starts the attempts anew", On: onMem, CaughtBy: by("attempt-counts"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Attempt = 1 })},
		{Name: "counts attempts from 0", On: onMem, CaughtBy: by("attempt-counts", "send-and-receive"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Attempt-- })},
		{Name: "counts a release as no attempt", On: onMem, CaughtBy: by("attempt-counts"), Break: releaseIsFree},
		{Name: "acks what it delivers", On: onMem, CaughtBy: by("lease-lapses", "extend-outlives-three-holds", "bury-keeps", "load-with-lapses"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					for _, l := range c.Received {
						source(q, c).Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
					}
				}
			})},
		{Name: "swallows an ack", On: onMem, CaughtBy: by("acked-never-returns"),
			Break: instead(verdict(driver.Ack), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			})},
		{Name: "acks to the dead letter", On: onMem, CaughtBy: by("acked-never-returns"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Ack && !c.Dead {
					v.Verdict, v.Reason = driver.Bury, "done"
				}
			})},
		{Name: "delivers once more what was acked", On: onMem, CaughtBy: by("acked-never-returns"),
			Break: instead(verdict(driver.Ack), func(_ context.Context, _ driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				if v.Lease.Attempt() == 1 {
					v.Verdict = driver.Release
				}
				return sound(v)
			})},
		{Name: "swallows an extend", On: onMem, CaughtBy: by("extend-outlives-three-holds", "extend-tells-the-truth"),
			Break: fault(fq.Extend, func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) })},
		{Name: "extends only twice", On: onMem, CaughtBy: by("extend-outlives-three-holds"),
			Break: fault(fq.Extend, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.N > 2 {
					swallowExtend(c)
					return
				}
				next(ctx, c)
			})},
		{Name: "says too late an end", On: onMem, CaughtBy: by("expires-tells-the-truth"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Expires = v.Expires.Add(time.Second) })},
		{Name: "says absurdly early an end", On: onMem, CaughtBy: by("expires-tells-the-truth"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Expires = v.Received.Add(v.Expires.Sub(v.Received) / 2) })},
		{Name: "says too late an end of an extension", On: onMem, CaughtBy: by("extend-tells-the-truth"),
			Break: lie(fq.Extend, nil, func(c *fq.Call) {
				for i := range c.Extended {
					c.Extended[i].Expires = c.Extended[i].Expires.Add(time.Second)
				}
			})},
		{Name: "extends from the old end", On: onMem, CaughtBy: by("extend-tells-the-truth"),
			Break: fault(fq.Extend, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if len(c.Leases) == 1 && c.Leases[0] != nil && c.Hold == 0 {
					c.Hold = 30*time.Second + max(0, time.Until(c.Leases[0].Expires()))
				}
				next(ctx, c)
			})},
		{Name: "reverses the results of an extend", On: onMem, CaughtBy: by("extend-order-of-results"),
			Break: lie(fq.Extend, nil, func(c *fq.Call) { slices.Reverse(c.Extended) })},
		{Name: "fails a whole extend for one bad lease", On: onMem, CaughtBy: by("extend-order-of-results"),
			Break: lie(fq.Extend, nil, func(c *fq.Call) {
				if i := slices.IndexFunc(c.Extended, func(r driver.ExtendResult) bool { return r.Err != nil }); i >= 0 {
					c.Fail(c.Extended[i].Err)
				}
			})},
		{Name: "extends only the first of a batch", On: onMem, CaughtBy: by("extend-order-of-results"),
			Break: fault(fq.Extend, fq.On(func(i int) bool { return i > 1 }, func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) }))},
		{Name: "splits an extend over the limit", On: onMem, CaughtBy: by("extend-over-batch"), Break: fault(fq.Extend, split)},
	}
}

// leaseFor leases for another time than the lease says.
func leaseFor(ctx context.Context, c *fq.Call, next fq.Next, hold time.Duration) {
	if c.Options.Hold != 0 {
		next(ctx, c)
		return
	}
	c.Options.Hold = hold
	next(ctx, c)
	for i, l := range c.Received {
		c.Received[i] = fq.Wrap(l, func(v *fq.View) { v.Expires = v.Received.Add(30 * time.Second) })
	}
}

// swallowExtend says that it extended.
func swallowExtend(c *fq.Call) {
	c.Fail(nil)
	hold := c.Hold
	if hold == 0 {
		hold = 30 * time.Second
	}
	for i := range c.Extended {
		c.Extended[i].Expires = time.Now().Add(hold)
	}
}

// releaseIsFree takes the attempt back with a release.
func releaseIsFree(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	free := make(map[string]int) // guarded by mu; releases by id
	return fq.New(q,
		fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
			mu.Lock()
			defer mu.Unlock()
			for _, v := range c.Batch {
				if v.Verdict == driver.Release && v.Lease != nil {
					free[v.Lease.Message().ID]++
				}
			}
		}, nil)},
		fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
			mu.Lock()
			defer mu.Unlock()
			for i, l := range c.Received {
				c.Received[i] = fq.Wrap(l, func(v *fq.View) { v.Attempt -= free[v.Message.ID] })
			}
		})})
}
