package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// Leases that were received together are extended together, each within a third
// of its hold, and batches at times of their own.
func TestWhatIsReceivedTogetherIsExtendedTogether(t *testing.T) {
	const hold, batches, size, apart, long = 30 * time.Second, 5, 10, time.Hour, 10 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		e := new(extends)
		b := newBench(t, &mem.Options{Hold: hold}, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: faultqueue.Extend, Fault: e.record}))
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error { return wait(ctx, long) })
		stop := b.start(runtime.WorkerOptions{Concurrency: size})
		var first []time.Duration
		for n := range batches {
			e.clear()
			began := time.Now()
			tasks := make([]job, size)
			for i := range tasks {
				tasks[i] = job{fmt.Sprint(n, "-", i)}
			}
			for _, r := range runtime.EnqueueMany(t.Context(), b.client, tasks) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			time.Sleep(apart)
			last := began
			for i, c := range e.all() {
				if c.leases != size {
					t.Errorf("batch %d: call %d extends %d leases, want %d", n, i+1, c.leases, size)
				}
				if d := c.at.Sub(last); d > hold/3 || d < hold/3-hold/15 {
					t.Errorf("batch %d: call %d comes %v after the one before it, not within a fifth of %v", n, i+1, d, hold/3)
				}
				last = c.at
			}
			if len(e.all()) == 0 {
				t.Fatal("nothing was extended")
			}
			first = append(first, e.all()[0].at.Sub(began))
		}
		slices.Sort(first)
		if first = slices.Compact(first); len(first) < batches {
			t.Errorf("of %d batches the first extends come after %v: they do not spread", batches, first)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

// extends records the calls of Extend. It is safe for concurrent use.
type extends struct {
	mu    sync.Mutex
	calls []extendCall // guarded by mu
}

type extendCall struct {
	at     time.Time
	leases int
}

func (e *extends) record(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
	e.mu.Lock()
	e.calls = append(e.calls, extendCall{time.Now(), len(c.Leases)})
	e.mu.Unlock()
	next(ctx, c)
}

func (e *extends) all() []extendCall {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

func (e *extends) clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = nil
}
