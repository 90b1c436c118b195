package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// Workers do tasks at the same time in Through, and producers send them.
	Workers   = 100
	producers = 4
	// lead is how many tasks are on the queue at most: a backlog is not measured.
	lead = 10_000
)

// Through has n tasks go from typed Enqueue through a queue in memory to a handler, and
// be acknowledged. Around measures: it calls do, which does all that, once.
func Through(ctx context.Context, n int, e Equipment, around func(do func() error) error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q, err := mem.New(QueueName, nil)
	if err != nil {
		return err
	}
	var done atomic.Int64
	all := make(chan struct{}) // closed when all tasks are done
	w, err := StartWith(ctx, q, runtime.WorkerOptions{
		Concurrency: Workers,
		OnSettled: func(s runtime.Settled) {
			if err := Acked(s); err != nil {
				cancel(err)
			}
			if done.Add(1) == int64(n) {
				close(all)
			}
		},
	}, e, func(_ context.Context, t *runtime.Task[Task]) error { return t.Args.Do() }, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End()) }()
	return around(func() error {
		send(ctx, w.Client, int64(n), &done, cancel)
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// send sends n tasks, at most lead of which are not done.
func send(ctx context.Context, client *runtime.Client, n int64, done *atomic.Int64, failed func(error)) {
	var sent atomic.Int64
	var sending sync.WaitGroup
	for range producers {
		sending.Go(func() {
			task := NewTask()
			for i := sent.Add(1); i <= n && ctx.Err() == nil; i = sent.Add(1) {
				for i-done.Load() > lead && ctx.Err() == nil {
					Pause(ctx, Tick)
				}
				if _, err := runtime.Enqueue(ctx, client, task); err != nil {
					failed(err)
				}
			}
		})
	}
	sending.Wait()
}
