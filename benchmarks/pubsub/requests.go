package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// handlerTime is how long a task takes.
	handlerTime = time.Millisecond
	// backlog is how many tasks are on the queue while requests are counted, and
	// feeders how many goroutines send.
	backlog, feeders = 10_000, 4
	// waits are for how many waits of a Pull the idle worker is looked at, and
	// decay in how many the Pulls of a busy one must have become one: some wait for
	// room until others have ended.
	waits, decay = 3, 4
)

type requestsOptions struct {
	messages int64
	warmUp   time.Duration
	wait     time.Duration // of a Pull
	out      io.Writer
}

// countRequests counts the requests that a message takes at saturation, then the
// Pulls of the worker when it has nothing to do. The error says which limit is
// missed.
func countRequests(ctx context.Context, o requestsOptions) (err error) {
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
	if err := os.Setenv("PUBSUB_EMULATOR_HOST", process.Address); err != nil {
		return err
	}
	q, err := openQueue(ctx, load.QueueName)
	if err != nil {
		return err
	}
	var done atomic.Int64
	w, err := load.Start(ctx, q, runtime.WorkerOptions{Concurrency: slots, Grace: 3 * o.wait, OnSettled: func(s runtime.Settled) {
		if err := load.Acked(s); err != nil {
			cancel(err)
		}
		done.Add(1)
	}}, func(ctx context.Context, t *runtime.Task[load.Task]) error {
		if err := first(t); err != nil {
			cancel(err)
		}
		load.Pause(ctx, handlerTime)
		return t.Args.Do()
	}, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End()) }()
	missed := saturate(ctx, o, process, w, &done, cancel)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(missed, idle(ctx, o, process))
}

// saturate counts while there is a backlog.
func saturate(ctx context.Context, o requestsOptions, process *server.Process, w *load.Worker, done *atomic.Int64, failed func(error)) error {
	f := load.StartFeed(ctx, w.Client, feeders, backlog, done.Load, func(int64) load.Task { return load.NewTask() }, failed)
	defer f.End()
	load.Pause(ctx, o.warmUp)
	before, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	doneBefore, began := done.Load(), time.Now()
	await(ctx, func() bool { return done.Load()-doneBefore >= o.messages })
	after, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	m := rate.Measurement{Messages: int(done.Load() - doneBefore), Took: time.Since(began), Requests: rate.Between(before, after)}
	f.End()
	await(ctx, func() bool { return done.Load() >= f.Sent.Load() })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return reportRequests(o, m)
}

// await waits for a condition or the end of ctx.
func await(ctx context.Context, met func() bool) {
	for ctx.Err() == nil && !met() {
		load.Pause(ctx, load.Tick)
	}
}

func reportRequests(o requestsOptions, m rate.Measurement) error {
	fmt.Fprintf(o.out, "%d slots, handler %v, %d messages in %v after %v: %.0f a second; no lease was lost and nothing came twice\n\n",
		slots, handlerTime, m.Messages, m.Took.Round(time.Millisecond), o.warmUp, m.PerSecond())
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\trequests\ta message")
	for _, op := range leaseOps {
		fmt.Fprintf(w, "%s\t%d\t%.4f\n", op, m.Requests[op], m.Share(op))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return checkRequests(o.out, m)
}

// idle looks at the Pulls in flight for some waits.
func idle(ctx context.Context, o requestsOptions, process *server.Process) error {
	load.Pause(ctx, decay*o.wait)
	before, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	began, most := time.Now(), 0
	for time.Since(began) < waits*o.wait && ctx.Err() == nil {
		s, err := process.Do(server.Command{})
		if err != nil {
			return err
		}
		most = max(most, s.InFlight["Pull"])
		load.Pause(ctx, rate.LookEvery)
	}
	after, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return reportIdle(o, most, after.Requests["Pull"]-before.Requests["Pull"])
}

// reportIdle judges the Pulls of an idle worker: how many there were at once at
// most, and how many in all were answered.
func reportIdle(o requestsOptions, most, pulls int) error {
	fmt.Fprintf(o.out, "idle: at most %d Pull in flight, %d in %v\n", most, pulls, waits*o.wait)
	if most != 1 || pulls < waits-1 || pulls > waits+1 {
		return fmt.Errorf("an idle worker has %d Pulls in flight and makes %d in %v, not one at a time, of %v each", most, pulls, waits*o.wait, o.wait)
	}
	return nil
}
