package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func holdMutants() []Mutant {
	grain := func(d *time.Duration) { *d = d.Truncate(time.Millisecond) }
	return []Mutant{
		{Name: "ignores the hold of a receive", On: onMem, CaughtBy: by("hold-at-receive"),
			Break: lie(fq.Receive, func(c *fq.Call) { c.Options.Hold = 0 }, nil)},
		{Name: "ignores a hold that it cannot give", On: onLimited, CaughtBy: by("hold-at-receive", "hold-at-extend"),
			Break: func(q driver.Queue) driver.Queue {
				return fq.New(q,
					fq.Rule{Op: fq.Receive, Fault: fq.Lie(func(c *fq.Call) { c.Options.Hold = 0 }, nil)},
					fq.Rule{Op: fq.Extend, Fault: fq.Lie(func(c *fq.Call) { c.Hold = 0 }, nil)})
			}},
		{Name: "ignores the hold of an extend", On: onMem, CaughtBy: by("hold-at-extend"),
			Break: lie(fq.Extend, func(c *fq.Call) { c.Hold = 0 }, nil)},
		{Name: "never shortens a lease", On: onMem, CaughtBy: by("hold-at-extend"),
			Break: lie(fq.Extend, func(c *fq.Call) {
				if c.Hold > 0 && len(c.Leases) > 0 && c.Leases[0] != nil {
					c.Hold = max(c.Hold, time.Until(c.Leases[0].Expires()))
				}
			}, nil)},
		{Name: "clamps a hold", On: onMem, CaughtBy: by("hold-range"),
			Break: func(q driver.Queue) driver.Queue {
				clamp := func(d *time.Duration) {
					if *d != 0 {
						*d = min(max(*d, 10*time.Millisecond), 12*time.Hour)
					}
				}
				return fq.New(q,
					fq.Rule{Op: fq.Receive, Fault: fq.Lie(func(c *fq.Call) { clamp(&c.Options.Hold) }, nil)},
					fq.Rule{Op: fq.Extend, Fault: fq.Lie(func(c *fq.Call) { clamp(&c.Hold) }, nil)})
			}},
		{Name: "rounds a hold down", On: onMem, CaughtBy: by("hold-grain"),
			Break: lie(fq.Receive, func(c *fq.Call) { grain(&c.Options.Hold) }, nil)},
		{Name: "rounds an extension down", On: onMem, CaughtBy: by("hold-grain"),
			Break: lie(fq.Extend, func(c *fq.Call) { grain(&c.Hold) }, nil)},
		{Name: "rounds a release delay down", On: onMem, CaughtBy: by("hold-grain"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) { grain(&v.Delay) })},
		{Name: "rounds a send delay down", On: onMem, CaughtBy: by("hold-grain"),
			Break: messages(func(m *driver.Message) { grain(&m.Delay) })},
		{Name: "clamps an extension to what is left", On: onMem, CaughtBy: by("hold-in-all"),
			Break: lie(fq.Extend, func(c *fq.Call) {
				for _, l := range c.Leases {
					if l != nil && c.Hold != 0 {
						c.Hold = min(c.Hold, 12*time.Hour-time.Since(l.Received()))
					}
				}
			}, nil)},
		{Name: "gives up a lease that it cannot extend", On: onMem, CaughtBy: by("hold-in-all"),
			Break: using(fq.Extend, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					for i, r := range c.Extended {
						if driver.Is(r.Err, driver.InvalidArgument) && c.Hold > time.Hour {
							source(q, c).Settle(ctx, []driver.Settlement{{Lease: c.Leases[i], Verdict: driver.Release}})
						}
					}
				}
			})},
		{Name: "extends for no longer than an hour in all", On: onLimited, CaughtBy: by("hold-in-all"),
			Break: fault(fq.Extend, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if len(c.Leases) == 1 && c.Leases[0] != nil && time.Since(c.Leases[0].Received()) > time.Hour {
					c.Fail(driver.Errorf(driver.InvalidArgument, "mutant: extend", "an hour is over"))
					return
				}
				next(ctx, c)
			})},
	}
}
