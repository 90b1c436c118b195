package runtime_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// anchored is an ordered queue that cannot delay a release.
func anchored(q driver.Queue) driver.Queue {
	return limited{q, func(c *driver.Capabilities) { c.MaxReleaseDelay, c.ReleaseDelay = 0, driver.Support{Note: "not here"} }}
}

func TestASnoozeBurnsNoAttempt(t *testing.T) {
	for name, wrap := range map[string]func(driver.Queue) driver.Queue{
		"plain": nil, "without delayed sends": unhurried,
		"short delays": func(q driver.Queue) driver.Queue {
			return limited{q, func(c *driver.Capabilities) { c.MaxSendDelay, c.MaxReleaseDelay = 15*time.Minute, 10*time.Minute }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 2, Backoff: runtime.Fixed(time.Minute), NoJitter: true}, wrap)
				r := newRuns()
				var attempts []int
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					attempts = append(attempts, task.Attempt)
					switch r.add() {
					case 1, 2, 4, 5:
						return runtime.Snooze(time.Hour)
					case 3:
						return errBoom
					}
					return nil
				})
				b.runFor(24 * time.Hour)
				if want := []int{1, 1, 1, 2, 2, 2}; !slices.Equal(attempts, want) {
					t.Errorf("attempts %v, want %v", attempts, want)
				}
				for i, want := range []time.Duration{0, 1 * time.Hour, 2 * time.Hour, 2*time.Hour + time.Minute, 3*time.Hour + time.Minute} {
					if at := r.all(); i >= len(at) || at[i] < want-2*time.Second || at[i] > want+time.Minute {
						t.Fatalf("ran at %v, want run %d at %v", at, i+1, want)
					}
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

func TestSnoozesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			r.add()
			return runtime.Snooze(time.Second)
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour)
		if n := len(r.all()); n != 1001 {
			t.Errorf("ran %d times, want 1001", n)
		}
		if d := b.dead(); d.Death.Reason != driver.ReasonSnoozed || d.Carry.Snoozes != 1000 {
			t.Errorf("death %+v, carry %+v", d.Death, d.Carry)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASnoozeEndsWithTheTimeToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Snooze(10 * time.Minute) })
		b.enqueue("a", runtime.TTL(time.Hour))
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(2 * time.Hour)
		if d := b.dead(); d.Death.Reason != driver.ReasonExpired || d.Carry.Snoozes != 7 {
			t.Errorf("death %+v, carry %+v", d.Death, d.Carry)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASnoozeBeyondAYearIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Snooze(9000 * time.Hour) })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		if d := b.dead().Death; d.Reason != driver.ReasonExhausted || !strings.Contains(d.Detail, "snooze 9000h0m0s exceeds 8760h0m0s") {
			t.Errorf("death %+v", d)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// In a group the lease is kept, so that those behind wait and nothing is counted.
// Meanwhile its slot is free for others.
func TestASnoozeInAGroupKeepsTheLease(t *testing.T) {
	for name, wrap := range map[string]func(driver.Queue) driver.Queue{"plain": nil, "without delayed releases": anchored} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &mem.Options{Ordered: true, Hold: 30 * time.Second}, runtime.RetryPolicy{MaxAttempts: 1}, wrap)
				r := newRuns()
				var order []string
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					r.add()
					order = append(order, task.Args.Name)
					if task.Attempt != 1 {
						t.Errorf("%s is attempt %d", task.Args.Name, task.Attempt)
					}
					if task.Args.Name == "a" && len(order) < 4 {
						return runtime.Snooze(10 * time.Minute)
					}
					return nil
				})
				b.enqueue("a", runtime.Group("g"))
				b.enqueue("b", runtime.Group("g"))
				stop := b.start(runtime.WorkerOptions{Concurrency: 1})
				time.Sleep(5 * time.Minute)
				b.enqueue("other")
				time.Sleep(time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if want := []string{"a", "other", "a", "a", "b"}; !slices.Equal(order, want) {
					t.Errorf("ran %v, want %v", order, want)
				}
				if want := []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 20 * time.Minute}; !slices.Equal(r.all(), want) {
					t.Errorf("ran at %v, want %v", r.all(), want)
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

func TestASnoozeInAGroupIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Snooze(16 * time.Minute) })
		b.enqueue("a", runtime.Group("g"))
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		if d := b.dead().Death; d.Reason != driver.ReasonExhausted || !strings.Contains(d.Detail, "snooze 16m0s exceeds the 15m0s") {
			t.Errorf("death %+v", d)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A drain gives back what was snoozed.
func TestADrainReleasesWhatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, again := range []error{runtime.Snooze(10 * time.Minute), runtime.RetryAfter(10*time.Minute, errBoom)} {
			b := newBench(t, &mem.Options{Ordered: true, Hold: 30 * time.Second}, runtime.RetryPolicy{}, anchored)
			b.handle(func(context.Context, *runtime.Task[job]) error { return again })
			b.enqueue("a", runtime.Group("g"))
			stop := b.start(runtime.WorkerOptions{})
			time.Sleep(5 * time.Minute)
			b.stats(0, 1, 0)
			start := time.Now()
			if err := stop(); err != nil || time.Since(start) > 0 {
				t.Fatalf("drained with %v after %v", err, time.Since(start))
			}
			b.stats(1, 0, 0)
		}
	})
}

// Where the broker cannot delay a release, a failed head of a group is kept until
// its retry, and those behind it wait.
func TestAFailedHeadIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Ordered: true, Hold: 30 * time.Second},
			runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Exponential(10*time.Minute, time.Hour), NoJitter: true}, anchored)
		r := newRuns()
		var order []string
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			r.add()
			order = append(order, task.Args.Name)
			if task.Args.Name == "a" {
				return errBoom
			}
			return nil
		})
		b.enqueue("a", runtime.Group("g"))
		b.enqueue("b", runtime.Group("g"))
		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "a", "a", "b"}; !slices.Equal(order, want) {
			t.Errorf("ran %v, want %v", order, want)
		}
		// The second backoff, 20 min, is more than a group is held up for.
		if want := []time.Duration{0, 10 * time.Minute, 25 * time.Minute, 25 * time.Minute}; !slices.Equal(r.all(), want) {
			t.Errorf("ran at %v, want %v", r.all(), want)
		}
		b.stats(0, 0, 1)
	})
}
