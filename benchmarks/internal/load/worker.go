package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// QueueName is the queue that everything works on.
const QueueName = "bench"

// Worker is a worker at work on a queue, and a client of the same.
type Worker struct {
	Client *runtime.Client
	queues *runtime.Queues
	stop   context.CancelFunc
	ended  chan error // one result, never closed
}

// Start starts a worker on q, which it closes at the end. Failed hears of a worker
// that ends by itself.
func Start[T runtime.Args](ctx context.Context, q driver.Queue, opts runtime.WorkerOptions,
	handler func(context.Context, *runtime.Task[T]) error, failed func(error)) (*Worker, error) {
	return StartWith(ctx, q, opts, Equipment{}, handler, failed)
}

// Equipment is what client and Mux have beside their defaults.
type Equipment struct {
	Telemetry *runtime.Telemetry
	Payloads  *runtime.Payloads
}

// StartWith is Start with more.
func StartWith[T runtime.Args](ctx context.Context, q driver.Queue, opts runtime.WorkerOptions, e Equipment,
	handler func(context.Context, *runtime.Task[T]) error, failed func(error)) (*Worker, error) {
	w := &Worker{queues: new(runtime.Queues), ended: make(chan error, 1)}
	if err := w.queues.Add(runtime.QueueInfo{Name: QueueName, Driver: q}); err != nil {
		return nil, err
	}
	var err error
	if w.Client, err = runtime.NewClient(w.queues, &runtime.ClientOptions{Telemetry: e.Telemetry, Payloads: e.Payloads}); err != nil {
		return nil, err
	}
	mux := runtime.NewMux(&runtime.MuxOptions{Telemetry: e.Telemetry, Payloads: e.Payloads})
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

// End drains the worker and closes the queue.
func (w *Worker) End() error {
	w.stop()
	return errors.Join(<-w.ended, w.queues.Close(context.Background()))
}

// Acked is why a task was not acknowledged, or nil.
func Acked(s runtime.Settled) error {
	err := errors.Join(s.Err, s.Decision.Err)
	if err == nil && s.Decision.Settlement.Verdict != driver.Ack {
		err = errors.New("a task was not acknowledged")
	}
	return err
}

// Pause waits for d or the end of ctx.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// First is an error for a task that has come before: its lease was not kept.
func First(t *runtime.Task[Task]) error {
	if t.Attempt != 1 {
		return fmt.Errorf("a task came for the %d. time", t.Attempt)
	}
	return nil
}

// Fill sends n tasks to q, which it closes.
func Fill(ctx context.Context, q driver.Queue, n int) error {
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: QueueName, Driver: q}); err != nil {
		return err
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	for n > 0 {
		some := min(n, 1000)
		for _, r := range runtime.EnqueueMany(ctx, client, NewTasks(some)) {
			if r.Err != nil {
				return r.Err
			}
		}
		n -= some
	}
	return queues.Close(ctx)
}
