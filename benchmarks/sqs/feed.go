package main

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/longshore-dev/longshore/runtime"
)

// feed keeps a queue filled by EnqueueMany.
type feed struct {
	sent    atomic.Int64
	stopped atomic.Bool
	senders sync.WaitGroup
}

// chunk is how many tasks a call of EnqueueMany has.
const chunk = 100

// startFeed sends what next makes from a number, whenever fewer than ahead tasks
// were sent beyond taken. Failed hears of what could not be sent.
func startFeed[T runtime.Args](ctx context.Context, client *runtime.Client, senders int, ahead int64,
	taken func() int64, next func(n int64) T, failed func(error)) *feed {
	f := new(feed)
	var number atomic.Int64
	for range senders {
		f.senders.Go(func() {
			for !f.stopped.Load() && ctx.Err() == nil {
				if f.sent.Load()-taken() >= ahead {
					pause(ctx, tick)
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
				f.sent.Add(chunk)
			}
		})
	}
	return f
}

// end stops the senders and waits for them.
func (f *feed) end() {
	f.stopped.Store(true)
	f.senders.Wait()
}
