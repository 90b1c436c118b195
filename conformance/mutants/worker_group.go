package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workGroupMutants() []Mutant {
	native := driver.Support{Level: driver.LevelNative}
	return []Mutant{
		{Name: "runs a group together", On: onOrdered, CaughtBy: by("group-runs-in-order"),
			Work: func(j *conformance.Job) {
				reads(func(m *driver.Message) { m.GroupKey = "" })(j)
				j.Queue = acksFirst(j.Queue)
			}},
		{Name: "knows of no groups", On: onBatches, CaughtBy: by("group-runs-in-order", "group-waits-for-head", "group-after-bury", "group-after-kill"),
			Work: reads(func(m *driver.Message) { m.GroupKey = "" })},
		{Name: "keeps those behind a head that failed", On: onBatches, CaughtBy: by("group-waits-for-head"),
			Work: seeing(instead(func(_ *fq.Call, v driver.Settlement) bool { return v.Verdict == driver.Release && v.Delay == 0 },
				func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
					return nil
				}))},
		{Name: "runs one group at a time", On: onOrdered, CaughtBy: by("group-runs-in-order"),
			Work: func(j *conformance.Job) { j.Options.Concurrency = 1 }},
		{Name: "sends a failed head behind its followers", On: onOrdered, CaughtBy: by("group-waits-for-head", "group-after-bury"),
			Work: seeing(instead(verdict(driver.Release), func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
				m := driver.CopyOf(v.Lease.Message())
				m.Carry.Attempts += v.Lease.Attempt()
				return moved(ctx, q, m, v.Lease, sound)
			}))},
		{Name: "retries a head at once", On: onOrdered, CaughtBy: by("group-waits-for-head"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay = 0 })},
		{Name: "drops a head that failed", On: onOrdered, CaughtBy: by("group-waits-for-head", "group-waits-without-delay", "group-after-bury"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { *v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack} })},
		{Name: "keeps no lease of a head that waits", On: onOrdered, CaughtBy: by("group-waits-without-delay", "group-snooze"),
			Work: seeing(fault(fq.Extend, func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) }))},
		{Name: "knows of no groups", On: onOrdered, CaughtBy: by("group-snooze"),
			Work: reads(func(m *driver.Message) { m.GroupKey = "" })},
		{Name: "does not bury a head", On: onOrdered, CaughtBy: by("group-after-bury"),
			Work: seeing(instead(verdict(driver.Bury), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			}))},
		{Name: "acks what it receives", On: onOrdered, CaughtBy: by("group-after-kill", "group-waits-for-head"), Work: seeing(acksFirst)},
		{Name: "takes a delay for a group and forgets it", On: onOrdered, CaughtBy: by("group-delay-refused"),
			Client: func(q driver.Queue, _ *runtime.ClientOptions) driver.Queue {
				return Declaring(messages(func(m *driver.Message) { m.Delay = 0 })(q),
					func(c *driver.Capabilities) { c.SendDelay, c.MaxSendDelay = native, 24*time.Hour })
			}},
	}
}
