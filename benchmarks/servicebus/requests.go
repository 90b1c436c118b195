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
	// most deliveries, releases apart, and most dispositions a message may take.
	most = 1.05
	// handlerTime is how long a task takes.
	handlerTime = time.Millisecond
	// backlog is how many tasks are on the queue while requests are counted, and
	// feeders how many goroutines send.
	backlog, feeders = 5_000, 4
	// quiet is for how long a worker without work is looked at.
	quiet = 10 * time.Second
)

type requestsOptions struct {
	messages int64
	warmUp   time.Duration
	out      io.Writer
}

// countRequests counts what a message takes at saturation, then what a worker does
// that has nothing to do. The error says which limit is missed.
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
	if err := os.Setenv(connectionVariable, process.Address); err != nil {
		return err
	}
	q, err := openQueue(ctx, load.QueueName)
	if err != nil {
		return err
	}
	var done atomic.Int64
	w, err := load.Start(ctx, q, runtime.WorkerOptions{Concurrency: slots, OnSettled: func(s runtime.Settled) {
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
	fmt.Fprintln(w, "\tin all\ta message")
	for _, op := range []string{opDeliver, opSettle, opRelease, opRenew, opFrames, opLinks, opSessions} {
		fmt.Fprintf(w, "%s\t%d\t%.4f\n", op, m.Requests[op], m.Share(op))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	deliveries, settles := m.Share(opDeliver)-m.Share(opRelease), m.Share(opSettle)
	fmt.Fprintf(o.out, "\na message takes %.4f deliveries that are not released, %.4f dispositions, at most %.2f of each; no renewal, no new link or session\n", deliveries, settles, most)
	var missed []error
	if deliveries > most {
		missed = append(missed, fmt.Errorf("a message takes %.4f deliveries, more than %.2f", deliveries, most))
	}
	if settles > most {
		missed = append(missed, fmt.Errorf("a message takes %.4f dispositions, more than %.2f", settles, most))
	}
	for _, op := range []string{opRenew, opLinks, opSessions} {
		if n := m.Requests[op]; n > 0 {
			missed = append(missed, fmt.Errorf("%d %s for work shorter than a third of a lock", n, op))
		}
	}
	return errors.Join(missed...)
}

// idle looks at what a worker does while there is nothing to do.
func idle(ctx context.Context, o requestsOptions, process *server.Process) error {
	before, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	load.Pause(ctx, quiet)
	after, err := process.Do(server.Command{})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return reportIdle(o, rate.Between(before, after))
}

// reportIdle judges the frames of an idle worker: a second may have one each way.
func reportIdle(o requestsOptions, requests map[string]int) error {
	seconds := int(quiet / time.Second)
	fmt.Fprintf(o.out, "idle: %d frames, %d links and %d sessions in %v\n", requests[opFrames], requests[opLinks], requests[opSessions], quiet)
	if requests[opFrames] > 2*seconds || requests[opLinks] > 0 || requests[opSessions] > 0 {
		return fmt.Errorf("an idle worker makes %d frames, %d links and %d sessions in %v, not at most %d frames alone",
			requests[opFrames], requests[opLinks], requests[opSessions], quiet, 2*seconds)
	}
	return nil
}
