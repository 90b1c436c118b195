package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A worker with nothing to do makes one receive a Wait of each queue, and no other
// call once it has started.
func TestAnIdleWorkerMakesOneReceiveAWait(t *testing.T) {
	const long = time.Hour
	for _, tt := range []struct {
		queues      int
		concurrency int
		grace, wait time.Duration // the longest wait is 20 s, and a third of the grace
	}{
		{1, 1, time.Minute, 20 * time.Second},
		{1, 1000, time.Hour, 20 * time.Second},
		{1, 10, 30 * time.Second, 10 * time.Second},
		{3, 1, time.Minute, 20 * time.Second},
		{10, 1000, 30 * time.Second, 10 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d queues, %d slots, wait %v", tt.queues, tt.concurrency, tt.wait), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				queues, count := new(runtime.Queues), newCallCount()
				for i := range tt.queues {
					q, err := mem.New("idle", nil)
					if err != nil {
						t.Fatal(err)
					}
					counted := faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Any, Fault: count.as(i)})
					if err := queues.Add(runtime.QueueInfo{Name: fmt.Sprint("idle-", i), Driver: counted}); err != nil {
						t.Fatal(err)
					}
				}
				defer queues.Close(t.Context())
				mux := runtime.NewMux(nil)
				runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil })
				w, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
					Concurrency: tt.concurrency, Grace: tt.grace, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- w.Run(ctx) }()
				time.Sleep(65 * time.Second) // the start and its first receives; not a multiple of a wait
				count.clear()
				time.Sleep(long)
				for i := range tt.queues {
					receives, others := count.of(i)
					if want := int(long / tt.wait); receives != want || len(others) > 0 {
						t.Errorf("queue %d: %d receives in %v, want %d, and %v", i, receives, long, want, others)
					}
				}
				cancel()
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// callCount counts the calls of several queues. It is safe for concurrent use.
type callCount struct {
	mu       sync.Mutex
	receives map[int]int             // guarded by mu
	others   map[int][]faultqueue.Op // guarded by mu
}

func newCallCount() *callCount {
	c := new(callCount)
	c.clear()
	return c
}

func (c *callCount) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.receives, c.others = make(map[int]int), make(map[int][]faultqueue.Op)
}

// as counts the calls of one queue.
func (c *callCount) as(queue int) faultqueue.Fault {
	return func(ctx context.Context, call *faultqueue.Call, next faultqueue.Next) {
		c.mu.Lock()
		if call.Op == faultqueue.Receive && !call.Dead {
			c.receives[queue]++
		} else {
			c.others[queue] = append(c.others[queue], call.Op)
		}
		c.mu.Unlock()
		next(ctx, call)
	}
}

func (c *callCount) of(queue int) (receives int, others []faultqueue.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receives[queue], slices.Clone(c.others[queue])
}
