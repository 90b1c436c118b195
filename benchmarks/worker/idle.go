package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	goruntime "runtime"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
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

// idle measures a worker that was busy for a moment.
func idle(ctx context.Context, i idleWorker, length time.Duration) (u usage, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queues := make([]driver.Queue, i.queues)
	for n := range queues {
		if queues[n], err = mem.New(queueName(n), nil); err != nil {
			return u, err
		}
	}
	const tasks = 10_000
	var done atomic.Int64
	w, err := startWorker(ctx, queues, runtime.WorkerOptions{
		Concurrency: i.slots, MaxAge: 24 * time.Hour, MaxMemory: 1 << 40, // which have to be looked at
		OnSettled: func(s runtime.Settled) {
			if err := acked(s); err != nil {
				cancel(err)
			}
			done.Add(1)
		},
	}, func(context.Context, *runtime.Task[task]) error { return nil }, cancel)
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := enqueue(ctx, w.client, tasks, 1000, &done); err != nil {
		return u, err
	}
	load.Pause(ctx, time.Second) // what was asked while there was work ends
	goruntime.GC()
	u = measure(func() { load.Pause(ctx, length) })
	if ctx.Err() != nil {
		return u, context.Cause(ctx)
	}
	return u, nil
}

func reportIdle(o idleOptions, i idleWorker, u usage) error {
	fmt.Fprintf(o.out, "idle with %d queues and %d slots for %v: %.3f %% of a core (below %.1f %%)\n",
		i.queues, i.slots, u.took.Round(time.Millisecond), 100*u.share(), 100*mostIdle)
	if u.share() >= mostIdle {
		return fmt.Errorf("an idle worker with %d queues and %d slots takes %.2f %% of a core, not below %.1f %%",
			i.queues, i.slots, 100*u.share(), 100*mostIdle)
	}
	return nil
}
