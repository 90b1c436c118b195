package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
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
func countRequests(ctx context.Context, o requestsOptions) error {
	s := rate.Saturation{
		Slots: slots, HandlerTime: handlerTime, Grace: 3 * o.wait, Backlog: backlog, Feeders: feeders,
		WarmUp: o.warmUp, Messages: o.messages, Open: openQueue, Environment: environment,
	}
	return s.Run(ctx,
		func(m rate.Measurement) error { return reportRequests(o, m) },
		func(ctx context.Context, process *server.Process) error { return idle(ctx, o, process) })
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
