package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// task is what is sent and done.
type task struct {
	Text string `json:"text"`
}

// Kind is the task's kind at Longshore.
func (task) Kind() string { return "wait" }

// workerRun is a worker at work, and a client of its first queue.
type workerRun struct {
	client *runtime.Client
	queues *runtime.Queues
	stop   context.CancelFunc
	ended  chan error // one result, never closed
}

func queueName(i int) string { return fmt.Sprint("queue-", i) }

// startWorker starts a worker on queues that it closes at the end. Failed hears of
// a worker that ends by itself.
func startWorker(ctx context.Context, drivers []driver.Queue, opts runtime.WorkerOptions,
	handler func(context.Context, *runtime.Task[task]) error, failed func(error)) (*workerRun, error) {
	w := &workerRun{queues: new(runtime.Queues), ended: make(chan error, 1)}
	for i, q := range drivers {
		if err := w.queues.Add(runtime.QueueInfo{Name: queueName(i), Driver: q}); err != nil {
			return nil, err
		}
	}
	var err error
	if w.client, err = runtime.NewClient(w.queues, &runtime.ClientOptions{DefaultQueue: queueName(0)}); err != nil {
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

// end drains the worker and closes the queues.
func (w *workerRun) end() error {
	w.stop()
	return errors.Join(<-w.ended, w.queues.Close(context.Background()))
}

// enqueue sends n tasks, as many at a time as batch says, and waits for each batch
// until taken has counted it.
func enqueue(ctx context.Context, c *runtime.Client, n, batch int, taken *atomic.Int64) error {
	tasks := make([]task, min(n, batch))
	for i := range tasks {
		tasks[i].Text = strings.Repeat("x", 53) // 64 bytes as JSON
	}
	for sent := 0; sent < n && ctx.Err() == nil; {
		some := tasks[:min(n-sent, len(tasks))]
		for _, r := range runtime.EnqueueMany(ctx, c, some) {
			if r.Err != nil {
				return r.Err
			}
		}
		sent += len(some)
		for ctx.Err() == nil && taken.Load() < int64(sent) {
			load.Pause(ctx, 100*time.Microsecond)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// acked is why a task was not acknowledged, or nil.
func acked(s runtime.Settled) error {
	err := errors.Join(s.Err, s.Decision.Err)
	if err == nil && s.Decision.Settlement.Verdict != driver.Ack {
		err = errors.New("a task was not acknowledged")
	}
	return err
}

// until waits until f is true or ctx has ended.
func until(ctx context.Context, f func() bool) {
	for ctx.Err() == nil && !f() {
		load.Pause(ctx, time.Millisecond)
	}
}
