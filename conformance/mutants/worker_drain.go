package mutants

import (
	"context"
	"errors"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workDrainMutants() []Mutant {
	return []Mutant{
		{Name: "drains within a second", On: onMem, CaughtBy: by("drain-loses-nothing", "drain-begins-nothing", "drain-tells"),
			Work: func(j *conformance.Job) { j.Options.Grace = time.Second }},
		{Name: "drains for twice its grace", On: onMem, CaughtBy: by("drain-tells", "drain-leaves-stubborn"),
			Work: func(j *conformance.Job) { j.Options.Grace *= 2 }},
		{Name: "polls on while it drains", On: onMem, CaughtBy: by("drain-loses-nothing", "drain-begins-nothing"),
			Run: func(ctx context.Context, j conformance.Job, sound engine) error {
				late, stop := context.WithCancel(context.WithoutCancel(ctx))
				defer stop()
				defer context.AfterFunc(ctx, func() {
					time.Sleep(29 * time.Second)
					stop()
				})()
				return sound(late, j)
			}},
		{Name: "leaves what it has not begun to run out", On: onMem, CaughtBy: by("drain-gives-back"),
			Work: seeing(instead(verdict(driver.Release), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			}))},
		{Name: "leaves what it has not begun to run out", On: onBatches, CaughtBy: by("group-after-drain"),
			Work: seeing(instead(verdict(driver.Release), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			}))},
		{Name: "acks what it has not begun", On: onBatches, CaughtBy: by("group-after-drain"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { *v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack} })},
		{Name: "acks what it has not begun", On: onMem, CaughtBy: by("drain-gives-back"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { *v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack} })},
		{Name: "takes a success while it drains for an interruption", On: onMem, CaughtBy: by("drain-tells"),
			Work: around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
				return func(ctx context.Context, task *runtime.Info) error {
					err := next(ctx, task)
					if errors.Is(context.Cause(ctx), runtime.ErrDraining) {
						return runtime.ErrDraining
					}
					return err
				}
			})},
		{Name: "takes an interruption by its drain for a failure", On: onMem, CaughtBy: by("drain-tells"),
			Work: failing(func(err error) error { return errors.New(err.Error()) })},
		{Name: "releases what a stubborn handler has", On: onMem, CaughtBy: by("drain-leaves-stubborn"), Run: releasesWhenDone},
		{Name: "says nothing of handlers that it left", On: onMem, CaughtBy: by("drain-leaves-stubborn"),
			Run: func(ctx context.Context, j conformance.Job, sound engine) error {
				_ = sound(ctx, j)
				return nil
			}},
	}
}

// releasesWhenDone releases all that it ever leased when it ends.
func releasesWhenDone(ctx context.Context, j conformance.Job, sound engine) error {
	inner, leases := j.Queue, make(chan driver.Lease, 1000)
	j.Queue = fq.New(inner, fq.Rule{Op: fq.Receive, Match: live, Fault: fq.Lie(nil, func(c *fq.Call) {
		for _, l := range c.Received {
			leases <- l
		}
	})})
	err := sound(ctx, j)
	for len(leases) > 0 {
		inner.Settle(context.WithoutCancel(ctx), []driver.Settlement{{Lease: <-leases, Verdict: driver.Release}})
	}
	return err
}
