package mutants

import (
	"context"
	"slices"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func settleMutants() []Mutant {
	return []Mutant{
		{Name: "reverses the results of a settle", On: onMem, CaughtBy: by("settle-order-of-results", "settle-on-dead-letter"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) { slices.Reverse(c.Settled) })},
		{Name: "shifts the results of a settle", On: onMem, CaughtBy: by("settle-order-of-results", "settle-on-dead-letter"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) {
				if len(c.Settled) > 1 {
					c.Settled = append(c.Settled[1:], c.Settled[0])
				}
			})},
		{Name: "fails a whole settle for one bad item", On: onMem, CaughtBy: by("settle-order-of-results"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) {
				if i := slices.IndexFunc(c.Settled, func(err error) bool { return err != nil }); i >= 0 {
					c.Fail(c.Settled[i])
				}
			})},
		{Name: "settles a batch by the verdict of its first item", On: onMem, CaughtBy: by("settle-order-of-results"),
			Break: lie(fq.Settle, func(c *fq.Call) {
				for i := range c.Batch {
					if c.Batch[i].Verdict != 0 && !c.Dead {
						c.Batch[i].Verdict = c.Batch[0].Verdict
					}
				}
			}, nil)},
		{Name: "splits a settle over the limit", On: onMem, CaughtBy: by("settle-over-batch"), Break: fault(fq.Settle, split)},
		{Name: "takes the zero verdict for an ack", On: onMem, CaughtBy: by("settle-invalid-verdict", "settle-order-of-results"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) {
				if v.Verdict == 0 {
					v.Verdict = driver.Ack
				}
			})},
		{Name: "refuses an unknown verdict and releases", On: onMem, CaughtBy: by("settle-invalid-verdict"),
			Break: using(fq.Settle, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					for _, v := range c.Batch {
						if v.Verdict > driver.Redrive {
							source(q, c).Settle(ctx, []driver.Settlement{{Lease: v.Lease, Verdict: driver.Release}})
						}
					}
					next(ctx, c)
				}
			})},
		{Name: "ignores a lease that is not its own", On: onMem, CaughtBy: by("settle-foreign-lease"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) {
				for i, v := range c.Batch {
					if v.Verdict == driver.Ack && driver.Is(c.Settled[i], driver.InvalidArgument) && v.Delay == 0 {
						c.Settled[i] = nil
					}
				}
			})},
		{Name: "settles a dead letter's lease on the queue", On: onMem, CaughtBy: by("settle-foreign-lease"),
			Break: using(fq.Settle, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					for i, v := range c.Batch {
						if v.Lease != nil && !c.Dead && v.Verdict == driver.Ack && driver.Is(c.Settled[i], driver.InvalidArgument) {
							c.Settled[i] = q.DeadLetter().Settle(ctx, []driver.Settlement{v})[0]
						}
					}
				}
			})},
		{Name: "extends a lease that is not its own", On: onMem, CaughtBy: by("settle-foreign-lease"),
			Break: lie(fq.Extend, nil, func(c *fq.Call) {
				for i, l := range c.Leases {
					if l != nil && c.Hold == 0 && driver.Is(c.Extended[i].Err, driver.InvalidArgument) {
						c.Extended[i] = driver.ExtendResult{Expires: l.Expires()}
					}
				}
			})},
		{Name: "acks a dead letter that is released", On: onMem, CaughtBy: by("settle-on-dead-letter", "dead-lease"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if c.Dead && v.Verdict == driver.Release {
					v.Verdict, v.Delay = driver.Ack, 0
				}
			})},
	}
}
