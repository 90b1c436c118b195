package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	workers   = 100
	producers = 4
	// ahead is how many tasks are on the queue at most: a backlog is not measured.
	ahead = 10_000
)

type options struct {
	rounds, tasks int
	most          time.Duration
	profile       string
	out           io.Writer
}

// compare prints what telemetry takes a task, and fails when that is too much.
func compare(ctx context.Context, o options) error {
	telemetry, shutdown, err := load.NewTelemetry()
	if err != nil {
		return err
	}
	var without, with, differences []time.Duration
	for round := range o.rounds + 1 {
		cost := make(map[bool]time.Duration)
		for _, on := range []bool{round%2 == 0, round%2 == 1} { // who comes first has no advantage
			var t *runtime.Telemetry
			profile := ""
			if on {
				t = telemetry
				if round == o.rounds {
					profile = o.profile
				}
			}
			if cost[on], err = measure(ctx, t, o.tasks, profile); err != nil {
				return err
			}
		}
		if round == 0 {
			continue // it warms up
		}
		without, with = append(without, cost[false]), append(with, cost[true])
		differences = append(differences, cost[true]-cost[false])
	}
	if err := shutdown(ctx); err != nil {
		return err
	}
	difference := median(differences)
	fmt.Fprintf(o.out, "CPU a task on mem, median of %d rounds of %d tasks: without telemetry %v, with %v (1 %% of traces sampled)\n",
		o.rounds, o.tasks, median(without), median(with))
	fmt.Fprintf(o.out, "telemetry takes %v a task, at most %v; rounds from %v to %v\n", difference, o.most, slices.Min(differences), slices.Max(differences))
	if difference > o.most {
		return fmt.Errorf("telemetry takes %v of CPU a task, more than %v", difference, o.most)
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// measure is the CPU time that a task takes.
func measure(ctx context.Context, telemetry *runtime.Telemetry, tasks int, profile string) (cost time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q, err := mem.New(load.QueueName, nil)
	if err != nil {
		return 0, err
	}
	var done atomic.Int64
	all := make(chan struct{}) // closed when all tasks are done
	worker, err := load.StartWatched(ctx, q, runtime.WorkerOptions{
		Concurrency: workers,
		OnSettled: func(s runtime.Settled) {
			if err := load.Acked(s); err != nil {
				cancel(err)
			}
			if done.Add(1) == int64(tasks) {
				close(all)
			}
		},
	}, telemetry, func(_ context.Context, t *runtime.Task[load.Task]) error { return t.Args.Do() }, cancel)
	if err != nil {
		return 0, err
	}
	goruntime.GC()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return 0, err
		}
		defer pprof.StopCPUProfile()
	}
	before := cpuTime()
	var sent atomic.Int64
	var sending sync.WaitGroup
	for range producers {
		sending.Go(func() {
			task := load.NewTask()
			for n := sent.Add(1); n <= int64(tasks) && ctx.Err() == nil; n = sent.Add(1) {
				for n-done.Load() > ahead && ctx.Err() == nil {
					load.Pause(ctx, load.Tick)
				}
				if _, err := runtime.Enqueue(ctx, worker.Client, task); err != nil {
					cancel(err)
				}
			}
		})
	}
	sending.Wait()
	select {
	case <-all:
	case <-ctx.Done():
		return 0, errors.Join(context.Cause(ctx), worker.End())
	}
	cost = (cpuTime() - before) / time.Duration(tasks)
	return cost, worker.End()
}

// cpuTime is the user and system time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
