package rate

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
	"github.com/longshore-dev/longshore/runtime"
)

// Saturation is a worker that never runs out of tasks, and of which the server says what
// its messages take.
type Saturation struct {
	Slots       int
	HandlerTime time.Duration // how long a task takes
	Grace       time.Duration // of the worker; 0 for its default
	Backlog     int64         // how many tasks are on the queue
	Feeders     int           // how many goroutines send
	WarmUp      time.Duration // before messages count
	Messages    int64         // how many count
	Open        Open
	Environment func(address string) string // as of Options
}

// Run measures, has report judge that, then has idle judge a worker that has nothing to
// do. The error says what is missed. A task that comes twice, or is not acknowledged, is
// an error too.
func (o *Saturation) Run(ctx context.Context, report func(Measurement) error, idle func(context.Context, *server.Process) error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	process, err := server.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, process.Close()) }()
	if _, err := process.Do(server.Command{Make: load.QueueName}); err != nil {
		return err
	}
	name, value, _ := strings.Cut(o.Environment(process.Address), "=")
	if err := os.Setenv(name, value); err != nil {
		return err
	}
	q, err := o.Open(ctx, load.QueueName)
	if err != nil {
		return err
	}
	var done atomic.Int64
	w, err := load.Start(ctx, q, runtime.WorkerOptions{Concurrency: o.Slots, Grace: o.Grace, OnSettled: func(s runtime.Settled) {
		if err := load.Acked(s); err != nil {
			cancel(err)
		}
		done.Add(1)
	}}, func(ctx context.Context, t *runtime.Task[load.Task]) error {
		if err := load.First(t); err != nil {
			cancel(err)
		}
		load.Pause(ctx, o.HandlerTime)
		return t.Args.Do()
	}, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End()) }()
	m, err := o.measure(ctx, process, w, &done, cancel)
	if err != nil {
		return err
	}
	return errors.Join(report(m), idle(ctx, process))
}

// measure counts while there is a backlog, and waits until all is done.
func (o *Saturation) measure(ctx context.Context, process *server.Process, w *load.Worker, done *atomic.Int64, failed func(error)) (m Measurement, err error) {
	f := load.StartFeed(ctx, w.Client, o.Feeders, o.Backlog, done.Load, func(int64) load.Task { return load.NewTask() }, failed)
	defer f.End()
	load.Pause(ctx, o.WarmUp)
	before, err := process.Do(server.Command{})
	if err != nil {
		return m, err
	}
	doneBefore, began := done.Load(), time.Now()
	await(ctx, func() bool { return done.Load()-doneBefore >= o.Messages })
	after, err := process.Do(server.Command{})
	if err != nil {
		return m, err
	}
	m = Measurement{Messages: int(done.Load() - doneBefore), Took: time.Since(began), Requests: Between(before, after)}
	f.End()
	await(ctx, func() bool { return done.Load() >= f.Sent.Load() })
	return m, context.Cause(ctx)
}

// await waits for a condition or the end of ctx.
func await(ctx context.Context, met func() bool) {
	for ctx.Err() == nil && !met() {
		load.Pause(ctx, load.Tick)
	}
}
