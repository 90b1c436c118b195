package mutants

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

// redrives sends back another copy than a redrive should.
func redrives(f func(m driver.Message) driver.Message) breaker {
	return instead(onDead(driver.Redrive), func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
		return moved(ctx, q, f(v.Lease.Message()), v.Lease, sound)
	})
}

// onDead picks settlements of the dead letter.
func onDead(want driver.Verdict) func(*fq.Call, driver.Settlement) bool {
	return func(c *fq.Call, v driver.Settlement) bool { return c.Dead && v.Verdict == want }
}

// changed is a sound copy with a change.
func changed(f func(m *driver.Message)) func(driver.Message) driver.Message {
	return func(m driver.Message) driver.Message {
		c := driver.LiveCopy(m)
		f(&c)
		return c
	}
}

func redriveMutants() []Mutant {
	return []Mutant{
		{Name: "loses what it redrives", On: onMem, CaughtBy: by("redrive-keeps", "redrive-cut-off"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if c.Dead && v.Verdict == driver.Redrive {
					v.Verdict = driver.Ack
				}
			})},
		{Name: "redrives twice", On: onMem, CaughtBy: by("redrive-keeps"),
			Break: instead(onDead(driver.Redrive), func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				q.Send(ctx, []driver.Message{driver.LiveCopy(v.Lease.Message())})
				return sound(v)
			})},
		{Name: "redrives and keeps the dead letter", On: onMem, CaughtBy: by("redrive-keeps"),
			Break: instead(onDead(driver.Redrive), func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				q.Send(ctx, []driver.Message{driver.LiveCopy(v.Lease.Message())})
				v.Verdict = driver.Release
				return sound(v)
			})},
		{Name: "redrives with the death record", On: onMem, CaughtBy: by("redrive-keeps"),
			Break: redrives(func(m driver.Message) driver.Message {
				c := driver.LiveCopy(m)
				c.Death = m.Death
				return c
			})},
		{Name: "drops attributes on redrive", On: onMem, CaughtBy: by("redrive-keeps"),
			Break: redrives(changed(func(m *driver.Message) { m.Attributes = nil }))},
		{Name: "drops the fairness key on redrive", On: onMem, CaughtBy: by("redrive-keeps"),
			Break: redrives(changed(func(m *driver.Message) { m.FairnessKey = "" }))},
		{Name: "drops the group key on redrive", On: onOrdered, CaughtBy: by("redrive-keeps"),
			Break: redrives(changed(func(m *driver.Message) { m.GroupKey = "" }))},
		{Name: "changes the body on redrive", On: onMem, CaughtBy: by("redrive-keeps", "body-text"),
			Break: redrives(changed(func(m *driver.Message) { m.Body = append(slices.Clip(m.Body), '\n') }))},
		{Name: "keeps the attempts on redrive", On: onMem, CaughtBy: by("redrive-carry"),
			Break: redrives(func(m driver.Message) driver.Message {
				c := driver.LiveCopy(m)
				c.Carry.Attempts = m.Carry.Attempts
				return c
			})},
		{Name: "keeps not-before on redrive", On: onMem, CaughtBy: by("redrive-carry"),
			Break: redrives(func(m driver.Message) driver.Message {
				c := driver.LiveCopy(m)
				c.Carry.NotBefore = m.Carry.NotBefore
				return c
			})},
		{Name: "does not count redrives", On: onMem, CaughtBy: by("redrive-carry"),
			Break: redrives(changed(func(m *driver.Message) { m.Carry.Redrives = min(m.Carry.Redrives, 1) }))},
		{Name: "lets a redriven message expire", On: onMem, CaughtBy: by("redrive-carry"),
			Break: redrives(changed(func(m *driver.Message) { m.Carry.IgnoreExpiry = false }))},
		{Name: "forgets the first error on redrive", On: onMem, CaughtBy: by("redrive-carry"),
			Break: redrives(changed(func(m *driver.Message) { m.Carry.FirstError = "" }))},
		{Name: "redrives every lease that it knows", On: onMem, CaughtBy: by("redrive-one-of-many"), Break: redriveAll},
		{Name: "deletes before it sends on redrive", On: onLimited, CaughtBy: by("redrive-cut-off"), Flaw: "redrive"},
		{Name: "moves all and drops death records", On: onMem, CaughtBy: by("move-all"),
			Break: moves(driver.Settlement{Verdict: driver.Redrive}, 1000)},
		{Name: "loses what it moves", On: onMem, CaughtBy: by("move-all"), Break: moves(driver.Settlement{Verdict: driver.Ack}, 1000)},
		{Name: "moves one of all", On: onMem, CaughtBy: by("move-all"), Break: moves(driver.Settlement{Verdict: driver.Redrive}, 1)},
		{Name: "moves only what was never leased", On: onMem, CaughtBy: by("move-all"), Break: moveFresh},
		{Name: "moves without telling of progress", On: onMem, CaughtBy: by("move-all"),
			Break: lie(fq.MoveAll, func(c *fq.Call) { c.Move.Progress = nil }, nil)},
		{Name: "moves at any rate", On: onMem, CaughtBy: by("move-all-rate"),
			Break: lie(fq.MoveAll, func(c *fq.Call) { c.Move.Rate = 0 }, nil)},
		{Name: "moves at half the rate", On: onMem, CaughtBy: by("move-all-rate"),
			Break: fault(fq.MoveAll, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.Move.Rate == 1 {
					pause(ctx, 2*time.Second)
				}
				next(ctx, c)
			})},
		{Name: "pretends to move all", On: onLimited, CaughtBy: by("move-all", "move-all-rate"), Break: lie(fq.MoveAll, nil, func(c *fq.Call) { c.Err = nil })},
	}
}

// redriveAll redrives with one lease all that are held.
func redriveAll(q driver.Queue) driver.Queue {
	var held sync.Map // leases of the dead letter by id
	return fq.New(q,
		fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
			for _, l := range c.Received {
				if c.Dead {
					held.Store(l.Message().ID, l)
				}
			}
		})},
		fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			if !c.Dead || len(c.Batch) == 0 || c.Batch[0].Verdict != driver.Redrive {
				return
			}
			held.Range(func(_, l any) bool {
				q.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l.(driver.Lease), Verdict: driver.Redrive}})
				return true
			})
		}})
}

// moveFresh holds what was leased before while the others are moved.
func moveFresh(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.MoveAll, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		d := q.DeadLetter()
		leases, _ := d.Receive(ctx, driver.ReceiveOptions{Max: 1000})
		old := leases[:0:0]
		for _, l := range leases {
			if l.Attempt() > 1 {
				old = append(old, l)
				continue
			}
			d.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Release}})
		}
		next(ctx, c)
		for _, l := range old {
			d.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Release}})
		}
	}})
}

// moves is a MoveAll of up to n messages by leases that end with v.
func moves(v driver.Settlement, n int) breaker {
	return using(fq.MoveAll, func(q driver.Queue) fq.Fault {
		return func(ctx context.Context, c *fq.Call, next fq.Next) {
			d := q.DeadLetter()
			leases, err := d.Receive(ctx, driver.ReceiveOptions{Max: n})
			if err != nil {
				c.Err = err
				return
			}
			for _, l := range leases {
				v := v
				v.Lease = l
				d.Settle(ctx, []driver.Settlement{v})
				c.Report.Moved++
			}
			c.Report.Total = c.Report.Moved
		}
	})
}
