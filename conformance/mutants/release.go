package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func releaseMutants() []Mutant {
	delay := func(f func(time.Duration) time.Duration) breaker {
		return settlements(func(_ *fq.Call, v *driver.Settlement) {
			if v.Verdict == driver.Release {
				v.Delay = f(v.Delay)
			}
		})
	}
	return []Mutant{
		{Name: "leaves a released lease to lapse", On: onMem, CaughtBy: by("release-now", "receive-wakes"),
			Break: instead(verdict(driver.Release), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			})},
		{Name: "releases after a second", On: onMem, CaughtBy: by("release-now", "receive-wakes"),
			Break: delay(func(d time.Duration) time.Duration { return max(d, time.Second) })},
		{Name: "loses what is released", On: onMem, CaughtBy: by("release-now"),
			Break: settlements(func(c *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Release {
					v.Verdict, v.Delay = driver.Ack, 0
				}
			})},
		{Name: "ignores the delay of a release", On: onMem, CaughtBy: by("release-later"),
			Break: delay(func(time.Duration) time.Duration { return 0 })},
		{Name: "halves the delay of a release", On: onMem, CaughtBy: by("release-later"),
			Break: delay(func(d time.Duration) time.Duration { return d / 2 })},
		{Name: "releases no later than the hold would end", On: onMem, CaughtBy: by("release-later"),
			Break: delay(func(d time.Duration) time.Duration { return min(d, 30*time.Second) })},
		{Name: "ignores a release delay that it cannot give", On: onLimited, CaughtBy: by("release-later"),
			Break: delay(func(time.Duration) time.Duration { return 0 })},
		{Name: "clamps the delay of a release", On: onMem, CaughtBy: by("release-refusals", "hold-in-all"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Release && v.Lease != nil {
					v.Delay = min(max(v.Delay, 0), 12*time.Hour-time.Since(v.Lease.Received()))
				}
			})},
		{Name: "ignores the delay of an ack", On: onMem, CaughtBy: by("release-refusals"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Ack {
					v.Delay = 0
				}
			})},
	}
}
