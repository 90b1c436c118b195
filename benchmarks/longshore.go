package main

import (
	"context"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

const longshoreDoes = "JSON, envelope, lease with a deadline, retry policy, ack after the handler, dead letter"

// longshore sends with Enqueue, longshoreMany with EnqueueMany.
var (
	longshore = contender{
		name: "longshore mem", producers: 4, does: longshoreDoes,
		open: func(ctx context.Context, done func(error)) (*running, error) {
			w, err := startLongshore(ctx, (*task).do, done)
			if err != nil {
				return nil, err
			}
			return &running{close: w.End, send: func(ctx context.Context, t task) error {
				_, err := runtime.Enqueue(ctx, w.Client, t)
				return err
			}}, nil
		},
	}
	longshoreMany = contender{
		name: "longshore mem, EnqueueMany(100)", producers: 4, batch: 100, does: longshoreDoes,
		open: func(ctx context.Context, done func(error)) (*running, error) {
			w, err := startLongshore(ctx, (*task).do, done)
			if err != nil {
				return nil, err
			}
			return &running{close: w.End, sendMany: func(ctx context.Context, tasks []task) error {
				for _, r := range runtime.EnqueueMany(ctx, w.Client, tasks) {
					if r.Err != nil {
						return r.Err
					}
				}
				return nil
			}}, nil
		},
	}
)

// startLongshore starts a worker whose handler is do, and which calls done once for
// each task that is settled, and when it ends by itself.
func startLongshore[T runtime.Args](ctx context.Context, do func(*T) error, done func(error)) (*load.Worker, error) {
	q, err := mem.New(load.QueueName, nil)
	if err != nil {
		return nil, err
	}
	return load.Start(ctx, q, runtime.WorkerOptions{
		Concurrency: workers, OnSettled: func(s runtime.Settled) { done(load.Acked(s)) },
	}, func(_ context.Context, t *runtime.Task[T]) error { return do(&t.Args) }, done)
}
