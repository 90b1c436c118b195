package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
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
func countRequests(ctx context.Context, o requestsOptions) error {
	s := rate.Saturation{
		Slots: slots, HandlerTime: handlerTime, Backlog: backlog, Feeders: feeders,
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
	fmt.Fprintln(w, "\tin all\ta message")
	for _, op := range []string{opDeliver, opSettle, opRelease, opRenew, opFrames, opLinks, opSessions} {
		fmt.Fprintf(w, "%s\t%d\t%.4f\n", op, m.Requests[op], m.Share(op))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	deliveries, settles := m.Share(opDeliver)-m.Share(opRelease), m.Share(opSettle)
	fmt.Fprintf(o.out, "\na message takes %.4f deliveries that are not released, %.4f dispositions (limit: at most %.2f of each); no renewal, no new link or session\n", deliveries, settles, most)
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
