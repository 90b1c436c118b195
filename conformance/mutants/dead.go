package mutants

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

// buries changes each bury.
func buries(f func(v *driver.Settlement)) breaker {
	return settlements(func(c *fq.Call, v *driver.Settlement) {
		if v.Verdict == driver.Bury && v.Lease != nil && !c.Dead {
			f(v)
		}
	})
}

// buried changes the message that a bury puts into the dead letter.
func buried(f func(m *driver.Message)) breaker {
	return buries(func(v *driver.Settlement) {
		v.Lease = fq.Wrap(v.Lease, func(v *fq.View) { f(&v.Message) })
	})
}

// corpses changes what a dead letter tells.
func corpses(f func(v *fq.View)) breaker {
	return views(func(c *fq.Call, v *fq.View) {
		if c.Dead {
			f(v)
		}
	})
}

func deadMutants() []Mutant {
	death := func(f func(d *driver.Death)) breaker {
		return corpses(func(v *fq.View) {
			if v.Message.Death != nil {
				d := *v.Message.Death
				f(&d)
				v.Message.Death = &d
			}
		})
	}
	return []Mutant{
		{Name: "drops attributes on bury", On: onMem, CaughtBy: by("bury-keeps"),
			Break: buried(func(m *driver.Message) { m.Attributes = nil })},
		{Name: "drops the fairness key on bury", On: onMem, CaughtBy: by("bury-keeps"),
			Break: buried(func(m *driver.Message) { m.FairnessKey = "" })},
		{Name: "drops the group key on bury", On: onOrdered, CaughtBy: by("bury-keeps"),
			Break: corpses(func(v *fq.View) { v.Message.GroupKey = "" })},
		{Name: "drops the carry on bury", On: onMem, CaughtBy: by("bury-keeps"),
			Break: buried(func(m *driver.Message) { m.Carry = driver.Carry{} })},
		{Name: "buries without detail", On: onMem, CaughtBy: by("bury-keeps"), Break: buries(func(v *driver.Settlement) { v.Detail = "" })},
		{Name: "buries without death record", On: onMem, CaughtBy: by("bury-keeps", "bury-carry"),
			Break: corpses(func(v *fq.View) { v.Message.Death = nil })},
		{Name: "buries without attempts", On: onMem, CaughtBy: by("bury-keeps"), Break: death(func(d *driver.Death) { d.Attempts = 0 })},
		{Name: "buries without the queue's name", On: onMem, CaughtBy: by("bury-keeps"), Break: death(func(d *driver.Death) { d.Queue = "" })},
		{Name: "loses what it buries", On: onMem, CaughtBy: by("bury-keeps", "bury-cut-off"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Bury && v.Reason != "" {
					*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack}
				}
			})},
		{Name: "ignores the carry of a bury", On: onMem, CaughtBy: by("bury-carry"), Break: buries(func(v *driver.Settlement) { v.Carry = nil })},
		{Name: "clears the carry of a bury without one", On: onMem, CaughtBy: by("bury-keeps"),
			Break: buries(func(v *driver.Settlement) {
				if v.Carry == nil {
					v.Carry = new(driver.Carry)
				}
			})},
		{Name: "refuses a long detail", On: onMem, CaughtBy: by("bury-detail"),
			Break: instead(verdict(driver.Bury), func(_ context.Context, _ driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				if len(v.Detail) > driver.MaxDetail {
					return driver.Errorf(driver.TooLarge, "mutant: settle", "the detail is too long")
				}
				return sound(v)
			})},
		{Name: "cuts a detail without a mark", On: onMem, CaughtBy: by("bury-detail"),
			Break: death(func(d *driver.Death) { d.Detail = strings.TrimRight(d.Detail, "…[cut]") })},
		{Name: "buries without a reason", On: onMem, CaughtBy: by("bury-reason"),
			Break: buries(func(v *driver.Settlement) {
				if driver.CheckReason(v.Reason) != nil {
					v.Reason = "unknown"
				}
			})},
		{Name: "acks a bury on the dead letter", On: onMem, CaughtBy: by("bury-wrong-side", "settle-on-dead-letter"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if c.Dead && v.Verdict == driver.Bury {
					*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack}
				}
			})},
		{Name: "takes a redrive on the queue for a release", On: onMem, CaughtBy: by("bury-wrong-side"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if !c.Dead && v.Verdict == driver.Redrive {
					v.Verdict = driver.Release
				}
			})},
		{Name: "deletes before it sends on bury", On: onLimited, CaughtBy: by("bury-cut-off"), Flaw: "bury"},
		{Name: "never gives up a message", On: onMem, CaughtBy: by("broker-limit"), Options: func(o *conformance.Options) { o.MaxAttempts = 1000 }},
		{Name: "gives up a message too soon", On: onMem, CaughtBy: by("broker-limit"), Options: func(o *conformance.Options) { o.MaxAttempts = max(0, o.MaxAttempts-1) }},
		{Name: "loses what it gives up", On: onMem, CaughtBy: by("broker-limit"), Break: loseBrokerLimit},
		{Name: "gives up without a death record", On: onLimited, CaughtBy: by("broker-limit"),
			Break: corpses(func(v *fq.View) { v.Message.Death = nil })},
		{Name: "wakes nobody at the dead letter for what it gives up", On: onLimited, CaughtBy: by("broker-limit-wakes"),
			Break: fault(fq.Receive, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.Dead && c.Options.Wait > 0 {
					end := time.Now().Add(c.Options.Wait)
					c.Options.Wait = 0
					next(ctx, c)
					if len(c.Received) == 0 {
						pause(ctx, time.Until(end))
					}
					return
				}
				next(ctx, c)
			})},
		{Name: "calls what it gives up exhausted", On: onMem, CaughtBy: by("broker-limit"),
			Break: death(func(d *driver.Death) {
				if d.Reason == driver.ReasonBrokerLimit {
					d.Reason = driver.ReasonExhausted
				}
			})},
		{Name: "drops a dead letter at its fourth lease", On: onMem, CaughtBy: by("dead-lease"), Break: dropAtFourth},
		{Name: "empties the dead letter by reading it", On: onMem, CaughtBy: by("dead-lease", "dead-extend"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					for _, l := range c.Received {
						if c.Dead {
							q.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
						}
					}
				}
			})},
		{Name: "shows the dead letter without leasing", On: onMem, CaughtBy: by("dead-lease", "dead-extend"), Break: showDead},
		{Name: "swallows an extend of a dead letter", On: onMem, CaughtBy: by("dead-extend"),
			Break: fault(fq.Extend, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if c.Dead {
					swallowExtend(c)
					return
				}
				next(ctx, c)
			})},
		{Name: "acks a bury where there is no dead letter", On: onMem, CaughtBy: by("no-dead-letter"),
			Break: instead(verdict(driver.Bury), func(_ context.Context, _ driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				err := sound(v)
				if driver.Is(err, driver.NotFound) {
					return sound(driver.Settlement{Lease: v.Lease, Verdict: driver.Ack})
				}
				return err
			})},
		{Name: "drops after three deliveries what has no dead letter", On: onMem, CaughtBy: by("no-dead-letter-keeps"),
			Break: func(q driver.Queue) driver.Queue {
				return fq.New(q, fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
					p, err := q.Policy(context.Background())
					for i, v := range c.Batch {
						if err == nil && p.DeadLetterTarget == "" && v.Lease != nil && v.Lease.Attempt() >= 3 {
							c.Batch[i].Verdict = driver.Ack
						}
					}
				}, nil)})
			}},
		{Name: "shows a missing dead letter as empty", On: onMem, CaughtBy: by("no-dead-letter"),
			Break: lie(fq.Receive, nil, func(c *fq.Call) {
				if driver.Is(c.Err, driver.NotFound) {
					c.Err = nil
				}
			})},
	}
}

// loseBrokerLimit deletes what the broker's limit put aside.
func loseBrokerLimit(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Receive, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		kept := c.Received[:0]
		for _, l := range c.Received {
			if d := l.Message().Death; c.Dead && d != nil && d.Reason == driver.ReasonBrokerLimit {
				q.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
				continue
			}
			kept = append(kept, l)
		}
		c.Received = kept
	}})
}

// dropAtFourth deletes a dead letter that was leased three times.
func dropAtFourth(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	seen := make(map[string]int) // guarded by mu; leases by id
	return fq.New(q, fq.Rule{Op: fq.Receive, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		if !c.Dead {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, l := range c.Received {
			if seen[l.Message().ID]++; seen[l.Message().ID] == 3 {
				q.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
			}
		}
	}})
}

// showDead releases what it leases from the dead letter, and takes settles for
// granted.
func showDead(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Receive, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		next(ctx, c)
		for _, l := range c.Received {
			if c.Dead {
				q.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Release}})
			}
		}
	}})
}
