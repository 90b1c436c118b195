package mutants

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func delayMutants() []Mutant {
	delay := func(f func(time.Duration) time.Duration) breaker {
		return messages(func(m *driver.Message) { m.Delay = f(m.Delay) })
	}
	none := delay(func(time.Duration) time.Duration { return 0 })
	return []Mutant{
		{Name: "ignores the delay of a send", On: onMem, CaughtBy: by("send-delay", "hop"), Break: none},
		{Name: "delivers a delayed message early", On: onMem, CaughtBy: by("send-delay", "hop"),
			Break: delay(func(d time.Duration) time.Duration { return d * 99 / 100 })},
		{Name: "delivers the delay with the message", On: onMem, CaughtBy: by("send-delay"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Message.Delay = time.Since(v.Message.SentAt) })},
		{Name: "delivers a delayed message late", On: onMem, CaughtBy: by("send-delay"),
			Break: delay(func(d time.Duration) time.Duration { return d * 101 / 100 })},
		{Name: "delays a whole batch by its shortest delay", On: onMem, CaughtBy: by("send-delay"),
			Break: messagesOf(func(batch []driver.Message) {
				for i := range batch {
					if batch[i].Delay > 0 && len(batch) == 3 {
						batch[i].Delay = batch[2].Delay
					}
				}
			})},
		{Name: "ignores a send delay that it cannot give", On: onLimited, CaughtBy: by("send-delay"), Break: none},
		{Name: "clamps the delay of a send", On: onMem, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration { return min(max(d, 0), 24*time.Hour) })},
		{Name: "keeps no delay longer than an hour", On: onMem, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration {
				if d <= 24*time.Hour {
					return min(d, time.Hour)
				}
				return d
			})},
		{Name: "takes a negative delay for none", On: onLimited, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration { return max(d, 0) })},
		{Name: "withdraws nothing", On: onMem, CaughtBy: by("withdraw"),
			Break: fault(fq.Withdraw, func(_ context.Context, c *fq.Call, _ fq.Next) { c.Fail(nil) })},
		{Name: "pretends to withdraw where it cannot", On: onLimited, CaughtBy: by("withdraw"),
			Break: fault(fq.Withdraw, func(_ context.Context, c *fq.Call, _ fq.Next) { c.Fail(nil) })},
		{Name: "does not tell of a withdraw that finds nothing", On: onMem, CaughtBy: by("withdraw"),
			Break: lie(fq.Withdraw, nil, func(c *fq.Call) {
				if driver.Is(c.Err, driver.NotFound) {
					c.Err = nil
				}
			})},
		{Name: "says of what is due that its lease is lost", On: onMem, CaughtBy: by("withdraw"),
			Break: lie(fq.Withdraw, nil, func(c *fq.Call) {
				if driver.Is(c.Err, driver.NotFound) {
					c.Err = driver.Errorf(driver.LeaseLost, "withdraw", "it is due")
				}
			})},
		{Name: "withdraws what is due", On: onMem, CaughtBy: by("withdraw"), Break: withdrawDue},
		{Name: "withdraws the whole batch", On: onMem, CaughtBy: by("withdraw"), Break: withdrawBatch},
		{Name: "withdraws and answers that it cannot", On: onMem, CaughtBy: by("withdraw"),
			Break: lie(fq.Withdraw, nil, func(c *fq.Call) {
				if c.Err == nil {
					c.Err = driver.Errorf(driver.Unsupported, "withdraw", "cannot")
				}
			})},
		{Name: "swallows the copy of a hop", On: onMem, CaughtBy: by("hop"), Break: swallowHop},
		{Name: "forgets the hops of a copy", On: onMem, CaughtBy: by("hop"),
			Break: messages(func(m *driver.Message) { m.Carry.Hops = min(m.Carry.Hops, 3) })},
	}
}

// withdrawDue takes back a message that is visible too.
func withdrawDue(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Withdraw, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		if !driver.Is(c.Err, driver.NotFound) {
			return
		}
		leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: q.Capabilities().MaxReceiveBatch})
		if err != nil {
			return
		}
		for _, l := range leases {
			v := driver.Settlement{Lease: l, Verdict: driver.Release}
			if l.Message().ID == c.ID {
				v.Verdict, c.Err = driver.Ack, nil
			}
			q.Settle(ctx, []driver.Settlement{v})
		}
	}})
}

// withdrawBatch takes back with a message those that were sent together with it.
func withdrawBatch(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	var batches [][]string // guarded by mu
	return fq.New(q,
		fq.Rule{Op: fq.Send, Fault: fq.Lie(nil, func(c *fq.Call) {
			mu.Lock()
			defer mu.Unlock()
			var ids []string
			for _, r := range c.Sent {
				ids = append(ids, r.ID)
			}
			batches = append(batches, ids)
		})},
		fq.Rule{Op: fq.Withdraw, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			if c.Err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, ids := range batches {
				if !slices.Contains(ids, c.ID) {
					continue
				}
				for _, id := range ids {
					next(ctx, &fq.Call{Op: fq.Withdraw, ID: id})
				}
			}
		}})
}
