package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// handlerTime is how long a task takes.
	handlerTime = time.Millisecond
	// mostRequests a message may take for send, receive and delete together; with
	// full batches it is 0.3.
	mostRequests = 0.31
	// backlog is how many tasks are on the queue while requests are counted.
	backlog = 10_000
	// grace of the worker, and the Wait of a receive that follows from it.
	grace, pollWait = time.Minute, 20 * time.Second
	// manySlots are for the second worker that idles.
	manySlots = 1000
)

type requestsOptions struct {
	messages int64
	warmUp   time.Duration
	out      io.Writer
}

// countRequests counts the requests that a message takes at saturation, then
// those of idle workers. The error says which limit is missed.
func countRequests(ctx context.Context, o requestsOptions) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	server, w, done, err := startOnFake(ctx, slots, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End(), server.close()) }()
	missed := saturate(ctx, o, server, w, done)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(missed, idle(ctx, o, server, cancel))
}

// startOnFake starts a server with queues and a worker on it. Done counts what is
// acknowledged.
func startOnFake(ctx context.Context, slots int, failed context.CancelCauseFunc) (*serverProcess, *load.Worker, *atomic.Int64, error) {
	server, err := startServer(ctx, "fake")
	if err != nil {
		return nil, nil, nil, err
	}
	q, err := openFake(ctx, server, defaultHold)
	if err != nil {
		return nil, nil, nil, errors.Join(err, server.close())
	}
	done := new(atomic.Int64)
	w, err := load.Start(ctx, q, runtime.WorkerOptions{Concurrency: slots, Grace: grace,
		OnSettled: func(s runtime.Settled) {
			if err := load.Acked(s); err != nil {
				failed(err)
			}
			done.Add(1)
		},
	}, func(ctx context.Context, t *runtime.Task[load.Task]) error {
		load.Pause(ctx, handlerTime)
		return t.Args.Do()
	}, failed)
	if err != nil {
		return nil, nil, nil, errors.Join(err, server.close())
	}
	return server, w, done, nil
}

// saturate counts while there is a backlog.
func saturate(ctx context.Context, o requestsOptions, server *serverProcess, w *load.Worker, done *atomic.Int64) error {
	failed := make(chan error, feeders) // one a sender at most, never closed
	f := load.StartFeed(ctx, w.Client, feeders, backlog, done.Load, func(int64) load.Task { return load.NewTask() }, func(err error) { failed <- err })
	defer f.End()
	load.Pause(ctx, o.warmUp)
	before, err := server.counts()
	if err != nil {
		return err
	}
	sent, doneBefore, began := f.Sent.Load(), done.Load(), time.Now()
	for done.Load()-doneBefore < o.messages && ctx.Err() == nil && len(failed) == 0 {
		load.Pause(ctx, load.Tick)
	}
	after, err := server.counts()
	if err != nil {
		return err
	}
	sent, counted, took := f.Sent.Load()-sent, done.Load()-doneBefore, time.Since(began)
	f.End()
	for len(failed) == 0 && done.Load() < f.Sent.Load() && ctx.Err() == nil {
		load.Pause(ctx, load.Tick)
	}
	if len(failed) > 0 {
		return <-failed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return reportRequests(o, since(before, after), sent, counted, took)
}

// feeders is how many goroutines send.
const feeders = 4

func reportRequests(o requestsOptions, requests map[string]opCount, sent, done int64, took time.Duration) error {
	fmt.Fprintf(o.out, "%d slots, handler %v, %d messages in %v after %v: %.0f a second\n\n",
		slots, handlerTime, done, took.Round(time.Millisecond), o.warmUp, float64(done)/took.Seconds())
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\trequests\ta message")
	total := 0.0
	for _, op := range []string{opSend, opReceive, opDelete, opChange} {
		of := done
		if op == opSend {
			of = sent
		}
		n := requests[op].Requests
		share := float64(n) / float64(max(1, of))
		if op != opChange {
			total += share
		}
		fmt.Fprintf(w, "%s\t%d\t%.4f\n", op, n, share)
	}
	fmt.Fprintf(w, "send, receive and delete\t\t%.4f\n", total)
	if err := w.Flush(); err != nil {
		return err
	}
	if total > mostRequests {
		return fmt.Errorf("a message takes %.4f requests, more than the %.2f it may", total, mostRequests)
	}
	return nil
}
