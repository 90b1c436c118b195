package runtime_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// settles is a queue that settles ten at a time, and how many came in each call.
type settles struct {
	mu    sync.Mutex
	sizes []int // guarded by mu
	at    []time.Time
}

func (s *settles) watch(takes time.Duration) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue {
		narrow := limited{q, func(c *driver.Capabilities) { c.MaxSettleBatch, c.MaxReceiveBatch = 10, 10 }}
		return faultqueue.New(narrow, faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			s.mu.Lock()
			s.sizes, s.at = append(s.sizes, len(c.Batch)), append(s.at, time.Now())
			s.mu.Unlock()
			faultqueue.Stall(takes)(ctx, c, next)
		}})
	}
}

func (s *settles) mean() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, size := range s.sizes {
		n += size
	}
	return float64(n) / float64(max(1, len(s.sizes)))
}

// A managed queue charges by the request, so under load each carries all it can.
func TestSettlesOfABusyQueueGoInFullBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settles
		b := newBench(t, nil, runtime.RetryPolicy{}, s.watch(2*time.Millisecond))
		// 8 handlers of some 2 ms: less than a batch ends while a Settle is under way.
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			time.Sleep(2*time.Millisecond + time.Duration(len(task.ID)*int(task.ID[len(task.ID)-1]))*time.Microsecond)
			return nil
		})
		for range 4000 {
			b.enqueue("a")
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 8})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
		if mean := s.mean(); mean < 9.5 {
			t.Errorf("%.2f settlements a call, want at least 9.5 of 10", mean)
		}
	})
}

func TestTheSettleOfAnIdleQueueGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settles
		b := newBench(t, nil, runtime.RetryPolicy{}, s.watch(20*time.Millisecond))
		var ended []time.Time // one task at a time
		b.handle(func(context.Context, *runtime.Task[job]) error {
			ended = append(ended, time.Now())
			return nil
		})
		stop := b.start(runtime.WorkerOptions{})
		for range 20 {
			b.enqueue("a")
			time.Sleep(30 * time.Millisecond)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for i, at := range s.at {
			if !at.Equal(ended[i]) {
				t.Errorf("settle %d began %v after its handler had ended", i, at.Sub(ended[i]))
			}
		}
		if len(ended) != 20 || len(s.at) != 20 {
			t.Errorf("%d tasks and %d settles, want 20", len(ended), len(s.at))
		}
	})
}

// A batch that is larger than what the worker may hold would never be full.
func TestABatchBeyondTheRoomIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks, takes = 100_000, 2 * time.Millisecond
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { // of up to 1,000 settles a call
			return faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Stall(takes)}, faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Stall(takes)})
		})
		for range tasks / 1000 {
			for _, r := range runtime.EnqueueMany(t.Context(), b.client, make([]job, 1000)) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		}
		var done sync.WaitGroup
		done.Add(tasks)
		b.handle(func(context.Context, *runtime.Task[job]) error { done.Done(); return nil })
		began := time.Now()
		stop := b.start(runtime.WorkerOptions{Concurrency: 64})
		done.Wait()
		// The room is for 704 leases, and each takes a receive and a settle.
		if took, best := time.Since(began), tasks/704*2*takes; took > 2*best {
			t.Errorf("%d tasks in %v, want at most twice the %v that calls of %v take", tasks, took, best, takes)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
