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
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/runtime"
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
	difference := load.Median(differences)
	fmt.Fprintf(o.out, "CPU a task on mem, median of %d rounds of %d tasks: without telemetry %v, with %v (1 %% of traces sampled)\n",
		o.rounds, o.tasks, load.Median(without), load.Median(with))
	fmt.Fprintf(o.out, "telemetry takes %v a task (limit: at most %v); rounds from %v to %v\n", difference, o.most, slices.Min(differences), slices.Max(differences))
	if difference > o.most {
		return fmt.Errorf("telemetry takes %v of CPU a task, more than %v", difference, o.most)
	}
	return nil
}

// measure is the CPU time that a task takes.
func measure(ctx context.Context, telemetry *runtime.Telemetry, tasks int, profile string) (cost time.Duration, err error) {
	err = load.Through(ctx, tasks, load.Equipment{Telemetry: telemetry}, func(do func() error) error {
		goruntime.GC()
		stop, err := startProfile(profile)
		if err != nil {
			return err
		}
		before := load.CPUTime()
		err = do()
		cost = (load.CPUTime() - before) / time.Duration(tasks)
		return errors.Join(err, stop())
	})
	return cost, err
}

// startProfile writes a CPU profile to a file until stop; with "" it does nothing.
func startProfile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
