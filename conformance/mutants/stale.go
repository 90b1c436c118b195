package mutants

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func staleMutants() []Mutant {
	hide := func(pick func(c *fq.Call, v driver.Settlement) bool) breaker {
		return lie(fq.Settle, nil, func(c *fq.Call) {
			for i, err := range c.Settled {
				if pick(c, c.Batch[i]) {
					c.Settled[i] = forgive(err)
				}
			}
		})
	}
	return []Mutant{
		{Name: "hides a lost lease on ack", On: onMem, CaughtBy: by("late-ack", "settled-twice"), Break: hide(verdict(driver.Ack))},
		{Name: "hides a lost lease on release", On: onMem, CaughtBy: by("late-release", "settled-twice"), Break: hide(verdict(driver.Release))},
		{Name: "hides a lost lease on bury", On: onMem, CaughtBy: by("late-bury", "settled-twice"), Break: hide(verdict(driver.Bury))},
		{Name: "hides a lost lease of a dead letter", On: onMem, CaughtBy: by("late-on-dead-letter"),
			Break: hide(func(c *fq.Call, _ driver.Settlement) bool { return c.Dead })},
		{Name: "revives a lapsed lease", On: onMem, CaughtBy: by("past-the-local-end", "late-extend"),
			Break: lie(fq.Extend, nil, func(c *fq.Call) {
				for i, r := range c.Extended {
					if driver.Is(r.Err, driver.LeaseLost) {
						c.Extended[i] = driver.ExtendResult{Expires: time.Now().Add(30 * time.Second)}
					}
				}
			})},
		{Name: "takes an ack until somebody else has the message", On: onMem, CaughtBy: by("past-the-local-end"), Break: lateAckDeletes},
		{Name: "extends by a late extend the new holder's lease", On: onLimited, CaughtBy: by("late-extend"), Break: mistake(fq.Extend, 0)},
		{Name: "frees by a late release the new holder's message", On: onLimited, CaughtBy: by("late-release"), Break: mistake(fq.Settle, driver.Release)},
		{Name: "buries by a late bury the new holder's message", On: onMem, CaughtBy: by("late-bury"), Break: mistake(fq.Settle, driver.Bury)},
		{Name: "acks by a late ack the new holder's message", On: onMem, CaughtBy: by("late-ack"), Break: mistake(fq.Settle, driver.Ack)},
		{Name: "frees by a late ack the new holder's message", On: onLimited, CaughtBy: by("late-ack"), Break: lateAckFrees},
		{Name: "brings back by a release what was acked", On: onLimited, CaughtBy: by("settled-twice"), Break: resurrect},
		{Name: "keeps a lease that was released for later", On: onMem, CaughtBy: by("settled-for-later"), Break: keepDelayed},
		{Name: "answers Unknown for a lost lease", On: onMem, CaughtBy: by("late-ack", "late-release", "late-bury", "settled-twice"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) {
				for i, err := range c.Settled {
					if driver.Is(err, driver.LeaseLost) {
						c.Settled[i] = driver.Errorf(driver.Unknown, "mutant: settle", "something failed")
					}
				}
			})},
		{Name: "lets an extend overtake a settle", On: onMem, CaughtBy: by("extend-never-undoes-settle"), Break: overtake},
	}
}

// tracker knows the newest lease of each message.
type tracker struct {
	mu      sync.Mutex
	current map[string]driver.Lease // guarded by mu
}

func (t *tracker) rule() fq.Rule {
	t.current = make(map[string]driver.Lease)
	return fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, l := range c.Received {
			t.current[l.Message().ID] = l
		}
	})}
}

// newest is the newest lease of the message that l held.
func (t *tracker) newest(l driver.Lease) driver.Lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l != nil {
		if now, ok := t.current[l.Message().ID]; ok {
			return now
		}
	}
	return l
}

// mistake takes every lease for the newest one of its message.
func mistake(op fq.Op, only driver.Verdict) breaker {
	return func(q driver.Queue) driver.Queue {
		var t tracker
		return fq.New(q, t.rule(), fq.Rule{Op: op, Fault: fq.Lie(func(c *fq.Call) {
			for i, l := range c.Leases {
				c.Leases[i] = t.newest(l)
			}
			for i, v := range c.Batch {
				if v.Verdict == only {
					c.Batch[i].Lease = t.newest(v.Lease)
				}
			}
		}, nil)})
	}
}

// lateAckDeletes acks what lapsed and is free.
func lateAckDeletes(q driver.Queue) driver.Queue {
	var t tracker
	return fq.New(q, t.rule(), fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		for i, v := range c.Batch {
			if v.Verdict != driver.Ack || !driver.Is(c.Settled[i], driver.LeaseLost) || t.newest(v.Lease) != v.Lease {
				continue
			}
			s := source(q, c)
			if again, _ := s.Receive(ctx, driver.ReceiveOptions{Max: 1}); len(again) == 1 {
				c.Settled[i] = s.Settle(ctx, []driver.Settlement{{Lease: again[0], Verdict: driver.Ack}})[0]
			}
		}
	}})
}

// keepDelayed makes an extension of a release with a delay, so that the lease
// goes on.
func keepDelayed(q driver.Queue) driver.Queue {
	return instead(func(_ *fq.Call, v driver.Settlement) bool { return v.Verdict == driver.Release && v.Delay > 0 },
		func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
			for _, s := range []driver.Source{q, q.DeadLetter()} {
				if r := s.Extend(ctx, []driver.Lease{v.Lease}, v.Delay)[0]; r.Err == nil {
					return nil
				}
			}
			return sound(v)
		})(q)
}

// lateAckFrees releases the newest lease when an older one is acked.
func lateAckFrees(q driver.Queue) driver.Queue {
	var t tracker
	return fq.New(q, t.rule(), fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
		for i, v := range c.Batch {
			if now := t.newest(v.Lease); v.Verdict == driver.Ack && now != v.Lease {
				c.Batch[i].Lease, c.Batch[i].Verdict = now, driver.Release
			}
		}
	}, nil)})
}

// resurrect sends again what is released after it was acked.
func resurrect(q driver.Queue) driver.Queue {
	var acked sync.Map // by id
	return fq.New(q, fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		for _, v := range c.Batch {
			if v.Lease == nil {
				continue
			}
			m := v.Lease.Message()
			switch _, was := acked.Load(m.ID); {
			case v.Verdict == driver.Ack:
				acked.Store(m.ID, true)
			case v.Verdict == driver.Release && was:
				q.Send(ctx, []driver.Message{driver.CopyOf(m)})
			}
		}
	}})
}

// overtake lets an extend take effect after the settle that runs beside it: a
// message that was made visible is hidden again.
func overtake(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Extend, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		time.Sleep(time.Millisecond)
		next(ctx, c)
		if slices.ContainsFunc(c.Extended, func(r driver.ExtendResult) bool { return driver.Is(r.Err, driver.LeaseLost) }) {
			_, _ = source(q, c).Receive(ctx, driver.ReceiveOptions{Max: 1})
		}
	}})
}
