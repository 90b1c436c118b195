package mutants

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func groupMutants() []Mutant {
	checks := by("group-order", "group-others-proceed", "group-order-after-release", "group-order-after-lapse", "group-goes-on-after-bury", "group-wakes")
	return []Mutant{
		{Name: "ignores a group key that it cannot keep", On: onMem, CaughtBy: checks,
			Break: messages(func(m *driver.Message) { m.GroupKey = "" })},
		// After a lapse of all a queue without order may give them in order.
		{Name: "delivers a group all at once", On: onOrdered, CaughtBy: by("group-order", "group-others-proceed", "group-order-after-release", "group-goes-on-after-bury", "group-wakes"),
			Break: messages(func(m *driver.Message) { m.GroupKey = "" })},
		{Name: "lets followers pass a head that is extended", On: onOrdered, CaughtBy: by("group-order"),
			Break: fault(fq.Extend, func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) })},
		{Name: "orders a group by the last first", On: onOrdered, CaughtBy: by("group-order"),
			Break: lie(fq.Send, func(c *fq.Call) {
				for i, j := 0, len(c.Messages)-1; i < j; i, j = i+1, j-1 {
					c.Messages[i], c.Messages[j] = c.Messages[j], c.Messages[i]
				}
			}, func(c *fq.Call) {
				for i, j := 0, len(c.Sent)-1; i < j; i, j = i+1, j-1 {
					c.Sent[i], c.Sent[j] = c.Sent[j], c.Sent[i]
				}
			})},
		{Name: "takes all groups for one", On: onOrdered, CaughtBy: by("group-others-proceed"),
			Break: messages(func(m *driver.Message) {
				if driver.CheckKey(m.GroupKey) == nil {
					m.GroupKey = "one"
				}
			})},
		{Name: "puts a released head behind its followers", On: onOrdered, CaughtBy: by("group-order-after-release"),
			Break: instead(verdict(driver.Release), func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				return moved(ctx, q, driver.CopyOf(v.Lease.Message()), v.Lease, sound)
			})},
		{Name: "lets followers pass a head that waits", On: onOrdered, CaughtBy: by("group-order-after-release"),
			Break: instead(func(_ *fq.Call, v driver.Settlement) bool { return v.Verdict == driver.Release && v.Delay > 0 },
				func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
					return moved(ctx, q, driver.CopyOf(v.Lease.Message()), v.Lease, sound)
				})},
		{Name: "puts a lapsed head behind its followers", On: onOrdered, CaughtBy: by("group-order-after-lapse"),
			Break: func(q driver.Queue) driver.Queue {
				return fq.New(q, fq.Rule{Op: fq.Receive, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					for i, l := range c.Received {
						if l.Attempt() == 2 && !c.Dead {
							q.Send(ctx, []driver.Message{driver.CopyOf(l.Message())})
							q.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
							if again, _ := q.Receive(ctx, driver.ReceiveOptions{Max: 1}); len(again) == 1 {
								c.Received[i] = again[0]
							}
						}
					}
				}})
			}},
		{Name: "stops a group whose head was buried", On: onOrdered, CaughtBy: by("group-goes-on-after-bury", "group-wakes"), Break: stopAfterBury},
		{Name: "lets a group go on once the first that is leased is acked", On: onBatches, CaughtBy: by("group-order"), Break: goesOnAfterFirst},
		{Name: "gives what was given back in another order", On: onBatches, CaughtBy: by("group-order-after-release"),
			Break: func(q driver.Queue) driver.Queue {
				var seen sync.Map // the ids of those that were released first and second
				second := func(_ *fq.Call, v driver.Settlement) bool {
					if v.Verdict != driver.Release {
						return false
					}
					id := v.Lease.Message().ID
					if first, _ := seen.LoadOrStore(1, id); first == id {
						return false
					}
					second, _ := seen.LoadOrStore(2, id)
					return second == id
				}
				return instead(second, func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
					return moved(ctx, q, driver.CopyOf(v.Lease.Message()), v.Lease, sound)
				})(q)
			}},
		{Name: "lets more of a group out while some are leased", On: onBatches, CaughtBy: by("group-order", "group-others-proceed", "group-order-after-release"), Break: everyThirdFree},
		{Name: "looks for the next of a group every second", On: onOrdered, CaughtBy: by("group-wakes"), Break: fault(fq.Receive, looks)},
	}
}

// goesOnAfterFirst acks all that is leased of a group with the first of them.
func goesOnAfterFirst(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	leased := make(map[string][]driver.Lease) // guarded by mu; by group key
	return fq.New(q,
		fq.Rule{Op: fq.Receive, Match: live, Fault: fq.Lie(nil, func(c *fq.Call) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range c.Received {
				leased[l.Message().GroupKey] = append(leased[l.Message().GroupKey], l)
			}
		})},
		fq.Rule{Op: fq.Settle, Match: live, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			for i, v := range c.Batch {
				c.Settled[i] = forgive(c.Settled[i])
				for _, l := range leased[v.Lease.Message().GroupKey] {
					q.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
				}
			}
		}})
}

// everyThirdFree forgets the group of every third message.
func everyThirdFree(q driver.Queue) driver.Queue {
	var n atomic.Int64
	return messages(func(m *driver.Message) {
		if driver.CheckKey(m.GroupKey) == nil && n.Add(1)%3 == 0 {
			m.GroupKey = ""
		}
	})(q)
}

// stopAfterBury keeps back the messages of a group once one was buried.
func stopAfterBury(q driver.Queue) driver.Queue {
	var stopped sync.Map // by group key
	return fq.New(q,
		fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
			for _, v := range c.Batch {
				if v.Verdict == driver.Bury && v.Lease != nil {
					stopped.Store(v.Lease.Message().GroupKey, true)
				}
			}
		}, nil)},
		fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
			kept := c.Received[:0]
			for _, l := range c.Received {
				if _, no := stopped.Load(l.Message().GroupKey); !no || c.Dead {
					kept = append(kept, l)
				}
			}
			c.Received = kept
		})})
}
