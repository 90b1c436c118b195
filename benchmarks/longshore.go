package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

var longshore = contender{
	name: "longshore mem", producers: 4,
	does: "JSON, envelope, lease with a deadline, retry policy, ack after the handler, dead letter",
	open: func(ctx context.Context, done func(error)) (*running, error) {
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
		runtime.Handle(mux, func(_ context.Context, t *runtime.Task[task]) error { return t.Args.do() })
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
		ctx, stop := context.WithCancel(ctx)
		ended := make(chan error, 1) // one result, never closed
		go func() { ended <- worker.Run(ctx) }()
		return &running{
			send: func(ctx context.Context, t task) error {
				_, err := runtime.Enqueue(ctx, client, t)
				return err
			},
			close: func() error {
				stop()
				return errors.Join(<-ended, queues.Close(context.WithoutCancel(ctx)))
			},
		}, nil
	},
}
