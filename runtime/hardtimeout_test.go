package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func TestAHandlerPastItsHardTimeoutGivesUpItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed []error
		b := newBench(t, nil, runtime.RetryPolicy{Backoff: runtime.Fixed(0)}, nil)
		var running atomic.Int32
		ends := make(chan struct{})
		r := newRuns()
		b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
			if task.Args.Name == "quick" {
				r.add()
				return nil
			}
			if running.Add(1) > 1 {
				t.Error("the task runs twice at once")
			}
			defer running.Add(-1)
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), runtime.ErrTimeout) {
				t.Errorf("the context ended with %v", context.Cause(ctx))
			}
			if task.Attempt > 1 {
				return nil
			}
			<-ends
			return nil
		}, runtime.HardTimeout(10*time.Second))
		b.enqueue("stuck")
		b.enqueue("quick")
		stop := b.start(runtime.WorkerOptions{Concurrency: 1, OnError: func(s runtime.Settled) { failed = append(failed, s.Decision.Err) }})
		time.Sleep(time.Minute / 4)
		synctest.Wait()
		if at := r.all(); len(at) != 1 || at[0] != 10*time.Second {
			t.Errorf("the other task ran at %v, want 10s", at)
		}
		// The first is the timeout; the second was not started beside it.
		if len(failed) < 2 || !errors.Is(failed[0], runtime.ErrTimeout) || !strings.Contains(failed[0].Error(), "did not return within 10s") ||
			!strings.Contains(failed[1].Error(), "still runs here") {
			t.Errorf("failures %v", failed)
		}
		close(ends)
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

// Enqueue can make two messages of one task. Both may be under way before one is
// given up.
func TestNoHandlerOfATaskIsStartedWhileOneOfTwoStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{Backoff: runtime.Fixed(10 * time.Second), NoJitter: true, MaxDeliveries: 90}, nil)
		var started, running atomic.Int32
		b.handle(func(context.Context, *runtime.Task[job]) error {
			defer running.Add(-1)
			n, now := started.Add(1), running.Add(1)
			switch {
			case n == 1:
				time.Sleep(5 * time.Minute)
			case n == 2:
				time.Sleep(20 * time.Second)
			case now > 1:
				t.Error("it was started beside one that was given up")
			}
			return nil
		}, runtime.HardTimeout(10*time.Second))
		for range 2 {
			b.enqueue("a", runtime.ID("same"))
		}
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(10 * time.Minute)
		if n := started.Load(); n != 4 {
			t.Errorf("started %d times, want 4", n)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

func TestADrainWaitsForAHandlerPastItsHardTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(time.Minute)
			return nil
		}, runtime.Timeout(5*time.Second), runtime.HardTimeout(10*time.Second))
		id := b.enqueue("stuck")
		stop := b.start(runtime.WorkerOptions{Grace: 30 * time.Second})
		time.Sleep(20 * time.Second)
		b.stats(0, 0, 1)
		start := time.Now()
		err := stop()
		if !driver.Is(err, driver.DeadlineExceeded) || !strings.Contains(err.Error(), string(id)) {
			t.Errorf("drain: %v, want DeadlineExceeded with task %s", err, id)
		}
		if took := time.Since(start); took != 29*time.Second {
			t.Errorf("drained in %v", took)
		}
		time.Sleep(time.Minute)

		stop = b.start(runtime.WorkerOptions{Grace: 30 * time.Second})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// Workers that share a Mux, one a queue, do not wait for each other's handlers.
func TestADrainDoesNotWaitForAHandlerOfAnotherWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(time.Hour)
			return nil
		}, runtime.Timeout(5*time.Second), runtime.HardTimeout(10*time.Second))
		b.enqueue("stuck")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(20 * time.Second)
		b.stats(0, 0, 1) // it was given up, and still runs

		start := time.Now()
		err := b.worker(&runtime.WorkerOptions{MaxAge: time.Minute}).Run(t.Context())

		if took := time.Since(start); took > 2*time.Minute || !errors.Is(err, runtime.ErrRecycle) || driver.Is(err, driver.DeadlineExceeded) {
			t.Errorf("another worker ended after %v with %v, want ErrRecycle within a minute", took, err)
		}
		if err := stop(); !driver.Is(err, driver.DeadlineExceeded) {
			t.Errorf("its own worker ended with %v, want DeadlineExceeded", err)
		}
		time.Sleep(time.Hour)
	})
}

func TestAHandlerThatEndsItsGoroutineUnderAHardTimeoutHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(time.Minute), NoJitter: true}, nil)
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			r.add()
			goexit()
			return nil
		}, runtime.HardTimeout(10*time.Second))
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour)
		if at := r.all(); len(at) != 3 || at[1] != time.Minute {
			t.Errorf("ran at %v", at)
		}
		if d := b.dead().Death; d.Reason != driver.ReasonExhausted || !strings.Contains(d.Detail, "Goexit") {
			t.Errorf("death %+v", d)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHardTimeoutsAreChecked(t *testing.T) {
	for want, options := range map[string][]runtime.HandleOption{
		"the hard timeout is not above 0":                 {runtime.HardTimeout(0)},
		"the hard timeout 1s is not above the timeout 1s": {runtime.Timeout(time.Second), runtime.HardTimeout(time.Second)},
	} {
		mux := runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)})
		runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil }, options...)
		if err := mux.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
