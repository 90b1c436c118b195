package runtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

func TestAPausedQueueStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = 5 * time.Minute
		f := newFleet(t, runtime.QueueInfo{Name: "paused", Retry: &runtime.RetryPolicy{MaxAttempts: 2}}, runtime.QueueInfo{Name: "free"})
		refused := 0
		var attempts []int
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.mu.Lock()
			attempts = append(attempts, task.Attempt)
			refused++
			n := refused
			f.mu.Unlock()
			f.record(task.Info)
			if task.Queue == "paused" && n%10 == 1 && n < 100 {
				return runtime.PauseQueue(pause, errors.New("429 too many requests"))
			}
			time.Sleep(time.Second)
			return nil
		})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
			f.record(task.Info)
			return nil
		})
		const tasks = 200
		f.fill("paused", tasks)
		sawPaused := false
		f.fillOther("free", 10)
		starts := f.work(runtime.WorkerOptions{Concurrency: 5}, 24*time.Hour, func(s []started) bool {
			h := f.worker.Health()
			sawPaused = sawPaused || h.Queues[0].Paused && !h.Queues[1].Paused && h.Ready
			return len(s) >= tasks+10+10
		})
		if n := share(starts, "free"); n != 10 || starts[len(starts)-1].at < 10*pause || starts[len(starts)-1].at > 11*pause {
			t.Errorf("%d tasks of the other queue started, and the last task at %v", n, starts[len(starts)-1].at)
		}
		for _, s := range starts {
			if s.queue == "free" && s.at > time.Second {
				t.Errorf("a task of the queue that is not paused started at %v", s.at)
			}
		}
		if !sawPaused || f.worker.Health().Queues[0].Paused {
			t.Errorf("the worker's health did not show the pause %v, or shows it still: %+v", sawPaused, f.worker.Health())
		}
		if slices.Max(attempts) != 1 {
			t.Errorf("a task was on attempt %d; want none burned by a pause", slices.Max(attempts))
		}
		var last time.Duration
		pauses := 0
		for _, s := range starts {
			if s.queue == "paused" && s.at-last > pause-time.Minute {
				pauses++
			}
			if s.queue == "paused" {
				last = s.at
			}
		}
		if pauses != 10 {
			t.Errorf("the queue stood still %d times; want 10", pauses)
		}
	})
}

func TestAPauseOutOfRangeIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.PauseQueue(2*time.Hour, errBoom) })
		b.runFor(time.Minute)
		if d := b.dead().Death; d == nil || !strings.Contains(d.Detail, "pause 2h0m0s is not above 0 and at most 1h0m0s") {
			t.Errorf("death %+v", d)
		}
	})
}

func TestAllStartWhenAPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "q"}, runtime.QueueInfo{Name: "idle"})
		var mu sync.Mutex
		quick := 1000
		runtime.Handle(f.mux, func(ctx context.Context, task *runtime.Task[job]) error {
			mu.Lock()
			quick--
			n := quick
			mu.Unlock()
			switch {
			case n > 0:
				time.Sleep(time.Millisecond) // so that many are leased ahead
				return nil
			case n == 0:
				return runtime.PauseQueue(time.Minute, nil)
			}
			return f.untilDrain(ctx, task)
		})
		f.fill("q", 1500)
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, 62*time.Second, func([]started) bool { return false })
		if len(starts) != 10 {
			t.Errorf("%d tasks started when the pause had ended; want 10", len(starts))
		}
	})
}
