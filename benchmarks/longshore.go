package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/longshore-dev/longshore/driver"
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
			return &running{close: w.end, send: func(ctx context.Context, t task) error {
				_, err := runtime.Enqueue(ctx, w.client, t)
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
			return &running{close: w.end, sendMany: func(ctx context.Context, tasks []task) error {
				for _, r := range runtime.EnqueueMany(ctx, w.client, tasks) {
					if r.Err != nil {
						return r.Err
					}
				}
				return nil
			}}, nil
		},
	}
)

// longshoreWorker is a worker at work on a queue in memory, and a client of the same.
type longshoreWorker struct {
	client *runtime.Client
	end    func() error // drains the worker, waits for it and closes the queue
}

// startLongshore starts a worker whose handler is do, and which calls done once for
// each task that is settled.
func startLongshore[T runtime.Args](ctx context.Context, do func(*T) error, done func(error)) (*longshoreWorker, error) {
	q, err := mem.New("bench", nil)
	if err != nil {
		return nil, err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "bench", Driver: q}); err != nil {
		return nil, err
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return nil, err
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[T]) error { return do(&t.Args) })
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: workers, Logger: slog.New(slog.DiscardHandler),
		OnSettled: func(s runtime.Settled) {
			err := errors.Join(s.Err, s.Decision.Err)
			if err == nil && s.Decision.Settlement.Verdict != driver.Ack {
				err = errors.New("a task was not acknowledged")
			}
			done(err)
		},
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- worker.Run(running) }()
	return &longshoreWorker{client, func() error {
		stop()
		return errors.Join(<-ended, queues.Close(context.WithoutCancel(ctx)))
	}}, nil
}
