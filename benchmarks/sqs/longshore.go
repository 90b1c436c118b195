package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/sqs" // opens sqs://
	"github.com/longshore-dev/longshore/runtime"
)

// slots are how many handlers run at the same time.
const slots = 64

// connections are as many as a client keeps open for any number of pollers here.
const connections = 128

var longshore = contender{
	name: "longshore", parallel: []int{slots},
	does: "lease with a deadline and extension, envelope and JSON, retry policy, ack after the handler, dead letter",
	open: func(ctx context.Context, parallel int, done func(error)) (func() error, error) {
		q, err := driver.Default.Open(ctx, "sqs://"+queueName+"?region="+region)
		if err != nil {
			return nil, err
		}
		w, err := startWorker(ctx, q, runtime.WorkerOptions{
			Concurrency: parallel, OnSettled: func(s runtime.Settled) { done(acked(s)) },
		}, func(_ context.Context, t *runtime.Task[task]) error { return t.Args.do() }, done)
		if err != nil {
			return nil, err
		}
		return w.end, nil
	},
}

// acked is why a task was not acknowledged, or nil.
func acked(s runtime.Settled) error {
	err := errors.Join(s.Err, s.Decision.Err)
	if err == nil && s.Decision.Settlement.Verdict != driver.Ack {
		err = errors.New("a task was not acknowledged")
	}
	return err
}

// workerRun is a worker at work on a queue, and a client of the same.
type workerRun struct {
	client *runtime.Client
	queues *runtime.Queues
	stop   context.CancelFunc
	ended  chan error // one result, never closed
}

// startWorker starts a worker on q, which it closes at the end. Failed hears of a
// worker that ends by itself.
func startWorker[T runtime.Args](ctx context.Context, q driver.Queue, opts runtime.WorkerOptions,
	handler func(context.Context, *runtime.Task[T]) error, failed func(error)) (*workerRun, error) {
	w := &workerRun{queues: new(runtime.Queues), ended: make(chan error, 1)}
	if err := w.queues.Add(runtime.QueueInfo{Name: queueName, Driver: q}); err != nil {
		return nil, err
	}
	var err error
	if w.client, err = runtime.NewClient(w.queues, nil); err != nil {
		return nil, err
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, handler)
	opts.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	worker, err := runtime.NewWorker(w.queues, mux, &opts)
	if err != nil {
		return nil, err
	}
	ctx, w.stop = context.WithCancel(ctx)
	go func() {
		err := worker.Run(ctx)
		if err != nil {
			failed(err)
		}
		w.ended <- err
	}()
	return w, nil
}

// end drains the worker and closes the queue.
func (w *workerRun) end() error {
	w.stop()
	return errors.Join(<-w.ended, w.queues.Close(context.Background()))
}
