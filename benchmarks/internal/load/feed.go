package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

const (
	// chunk is how many tasks a call of EnqueueMany has.
	chunk = 100
	// Tick is how often conditions are looked at.
	Tick = time.Millisecond
)

// Feed keeps a queue filled by EnqueueMany.
type Feed struct {
	Sent    atomic.Int64 // tasks so far
	stopped atomic.Bool
	senders sync.WaitGroup
}

// StartFeed sends what next makes from a number, whenever fewer than ahead tasks
// were sent beyond taken. Failed hears of what could not be sent.
func StartFeed[T runtime.Args](ctx context.Context, client *runtime.Client, senders int, ahead int64,
	taken func() int64, next func(n int64) T, failed func(error)) *Feed {
	f := new(Feed)
	var number atomic.Int64
	for range senders {
		f.senders.Go(func() {
			for !f.stopped.Load() && ctx.Err() == nil {
				if f.Sent.Load()-taken() >= ahead {
					Pause(ctx, Tick)
					continue
				}
				tasks := make([]T, chunk)
				for i := range tasks {
					tasks[i] = next(number.Add(1))
				}
				for _, r := range runtime.EnqueueMany(ctx, client, tasks) {
					if r.Err != nil {
						failed(r.Err)
						return
					}
				}
				f.Sent.Add(chunk)
			}
		})
	}
	return f
}

// End stops the senders and waits for them.
func (f *Feed) End() {
	f.stopped.Store(true)
	f.senders.Wait()
}
