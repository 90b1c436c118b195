package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	goruntime "runtime"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// mostIdle is the share of a core that a worker with nothing to do may take.
const mostIdle = 0.005

// idleWorker is a worker with nothing to do.
type idleWorker struct{ queues, slots int }

// idleWorkers are measured one after the other.
var idleWorkers = []idleWorker{{1, 10}, {10, 1000}}

type idleOptions struct {
	workers []idleWorker
	length  time.Duration
	out     io.Writer
}

// measureIdle measures the CPU time of a process with a worker that has nothing
// to do. The error says which is above the limit.
func measureIdle(ctx context.Context, o idleOptions) error {
	var missed []error
	for _, i := range o.workers {
		u, err := idle(ctx, i, o.length)
		if err != nil {
			return err
		}
		missed = append(missed, reportIdle(o, i, u))
	}
	return errors.Join(missed...)
}

func idle(ctx context.Context, i idleWorker, length time.Duration) (u usage, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queues := make([]driver.Queue, i.queues)
	for n := range queues {
		if queues[n], err = mem.New(fmt.Sprint("idle-", n), nil); err != nil {
			return u, err
		}
	}
	started := make(chan struct{}) // closed by OnStart
	w, err := startWorker(ctx, queues, runtime.WorkerOptions{
		Concurrency: i.slots, OnStart: func() { close(started) },
	}, func(context.Context, *runtime.Task[task]) error { return errors.New("there is no task") }, cancel)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	select {
	case <-started:
	case <-ctx.Done():
		return u, context.Cause(ctx)
	}
	goruntime.GC()
	u = measure(func() { pause(ctx, length) })
	return u, context.Cause(ctx)
}

func reportIdle(o idleOptions, i idleWorker, u usage) error {
	fmt.Fprintf(o.out, "idle with %d queues and %d slots for %v: %.3f %% of a core (at most %.1f %%)\n",
		i.queues, i.slots, u.took.Round(time.Millisecond), 100*u.share(), 100*mostIdle)
	if u.share() >= mostIdle {
		return fmt.Errorf("an idle worker with %d queues and %d slots takes %.2f %% of a core, not below %.1f %%",
			i.queues, i.slots, 100*u.share(), 100*mostIdle)
	}
	return nil
}
