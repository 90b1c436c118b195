package mutants

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workRetryMutants() []Mutant {
	return []Mutant{
		{Name: "retries at once", On: onMem, CaughtBy: by("retry-delays", "retry-after", "retry-jitter"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay = 0 })},
		{Name: "retries a second early", On: onMem, CaughtBy: by("retry-delays"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay = max(0, v.Delay-time.Second) })},
		{Name: "retries a second late", On: onMem, CaughtBy: by("retry-delays"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay += time.Second })},
		{Name: "has the same delay before each retry", On: onMem, CaughtBy: by("retry-delays"),
			Work: func(j *conformance.Job) {
				if first := j.Retry.Backoff; first != nil {
					j.Retry.Backoff = runtime.Fixed(first(1))
				}
			}},
		{Name: "lets leases run out in place of a retry", On: onMem, CaughtBy: by("retry-delays"),
			Work: seeing(instead(verdict(driver.Release), func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
				return nil
			}))},
		{Name: "has no jitter", On: onMem, CaughtBy: by("retry-jitter"),
			Work: func(j *conformance.Job) { j.Retry.NoJitter = true }},
		{Name: "has jitter beyond the backoff", On: onMem, CaughtBy: by("retry-jitter"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay *= 2 })},
		{Name: "takes RetryAfter for any error", On: onMem, CaughtBy: by("retry-after"),
			Work: failing(func(err error) error { return errors.New(err.Error()) })},
		{Name: "gives one attempt too many", On: onMem, CaughtBy: by("retry-exhausted", "retry-panic", "retry-neighbours"),
			Work: func(j *conformance.Job) { j.Retry.MaxAttempts++ }},
		{Name: "gives one attempt too few", On: onMem, CaughtBy: by("retry-exhausted", "retry-panic", "retry-neighbours"),
			Work: func(j *conformance.Job) { j.Retry.MaxAttempts-- }},
		{Name: "releases what it should bury, once", On: onMem, CaughtBy: by("retry-exhausted"),
			Work: seeing(settlements(func(c *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Bury && v.Lease.Attempt() == 3 {
					*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Release}
				}
			}))},
		{Name: "buries without detail", On: onMem, CaughtBy: by("retry-exhausted", "retry-permanent", "retry-first-error"),
			Work: verdicts(driver.Bury, func(v *driver.Settlement) { v.Detail = "" })},
		{Name: "buries with the last error alone", On: onMem, CaughtBy: by("retry-first-error"),
			Work: verdicts(driver.Bury, func(v *driver.Settlement) { v.Detail, _, _ = strings.Cut(v.Detail, "; first error") })},
		{Name: "buries for another reason", On: onMem, CaughtBy: by("retry-exhausted", "retry-permanent"),
			Work: verdicts(driver.Bury, func(v *driver.Settlement) { v.Reason = "failed" })},
		{Name: "drops what it should bury", On: onMem, CaughtBy: by("retry-exhausted", "retry-permanent", "retry-neighbours"),
			Work: verdicts(driver.Bury, func(v *driver.Settlement) { *v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack} })},
		{Name: "retries what is permanent", On: onMem, CaughtBy: by("retry-permanent"),
			Work: failing(func(err error) error { return errors.New(err.Error()) })},
		{Name: "retries what its policy never retries", On: onMem, CaughtBy: by("retry-permanent"),
			Work: func(j *conformance.Job) { j.Retry.Never = nil }},
		{Name: "takes a panic for a success", On: onMem, CaughtBy: by("retry-panic"), Work: around(recovering(func(any) error { return nil }))},
		{Name: "takes a panic for permanent", On: onMem, CaughtBy: by("retry-panic"),
			Work: around(recovering(func(v any) error { return runtime.Permanent(fmt.Errorf("panic: %v", v)) }))},
		{Name: "sends the stack of a panic", On: onMem, CaughtBy: by("retry-panic"),
			Work: around(recovering(func(v any) error { return fmt.Errorf("panic: %v\n%.400s", v, debug.Stack()) }))},
		{Name: "settles a whole batch as its first", On: onMem, CaughtBy: by("retry-neighbours"),
			Work: seeing(lie(fq.Settle, func(c *fq.Call) {
				for i := range c.Batch {
					l := c.Batch[i].Lease
					c.Batch[i] = c.Batch[0]
					c.Batch[i].Lease = l
				}
			}, nil))},
		{Name: "releases what it settles after a task that failed", On: onMem, CaughtBy: by("retry-neighbours"), Work: seeing(releasesTogether)},
	}
}

// recovering turns a panic into an error of its own.
func recovering(f func(v any) error) func(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(ctx context.Context, task *runtime.Info) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = f(v)
				}
			}()
			return next(ctx, task)
		}
	}
}

// releasesTogether releases, once, what is settled after something was released.
func releasesTogether(q driver.Queue) driver.Queue {
	var released atomic.Bool
	return fq.New(q, fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
		for i, v := range c.Batch {
			if v.Verdict == driver.Ack && v.Lease.Attempt() == 1 && released.Load() {
				c.Batch[i] = driver.Settlement{Lease: v.Lease, Verdict: driver.Release}
			}
			if v.Verdict == driver.Release {
				released.Store(true)
			}
		}
	}, nil)})
}
