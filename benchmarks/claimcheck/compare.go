package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	gort "runtime"
	"slices"
	"time"

	_ "gocloud.dev/blob/fileblob"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// fewest rounds are made, however good the first are.
const fewest = 5

type options struct {
	rounds, tasks int
	least         float64
	out           io.Writer
}

// compare runs both in turn, and ends early once the least is reached in enough rounds.
func compare(ctx context.Context, o options) error {
	if o.rounds < 1 || o.tasks < 1 {
		return errors.New("there is nothing to measure: rounds and tasks are 1 or more")
	}
	dir, err := os.MkdirTemp("", "claimcheck")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := claimcheck.Open(ctx, "file://"+dir)
	if err != nil {
		return err
	}
	defer store.Close()
	payloads := [2]*runtime.Payloads{nil, {Store: store, Compression: zstd.New()}}
	var rates [2][]float64
	ratio := 0.0
	for round := range o.rounds {
		for i := range payloads {
			which := (i + round) % len(payloads)
			rate, err := measure(ctx, payloads[which], o.tasks)
			if err != nil {
				return err
			}
			rates[which] = append(rates[which], rate)
		}
		ratio = load.Median(rates[1]) / load.Median(rates[0])
		if round+1 >= fewest && ratio >= o.least {
			break
		}
	}
	if objects, err := os.ReadDir(dir); err != nil || len(objects) > 0 {
		return fmt.Errorf("%d small payloads went to the store (%w)", len(objects), err)
	}
	fmt.Fprintf(o.out, "%d tasks of %d bytes, %d workers, %d interleaved rounds; %s, %s/%s, %d CPUs\n\n", o.tasks, load.PayloadSize, load.Workers, len(rates[0]),
		gort.Version(), gort.GOOS, gort.GOARCH, gort.GOMAXPROCS(0))
	for i, name := range []string{"without a store", "with a store"} {
		fmt.Fprintf(o.out, "%-16s %8.0f tasks/s (%.0f to %.0f)\n", name, load.Median(rates[i]), slices.Min(rates[i]), slices.Max(rates[i]))
	}
	fmt.Fprintf(o.out, "ratio of medians %.3f (limit: at least %.2f)\n", ratio, o.least)
	if ratio < o.least {
		return fmt.Errorf("with a store small tasks have %.3f of the throughput, less than %.2f", ratio, o.least)
	}
	return nil
}

// measure is how many tasks a second go from a client to a handler and are acknowledged.
func measure(ctx context.Context, payloads *runtime.Payloads, tasks int) (perSecond float64, err error) {
	gort.GC() // what the last one left is not on this one's account
	err = load.Through(ctx, tasks, load.Equipment{Payloads: payloads}, func(do func() error) error {
		begun := time.Now()
		err := do()
		perSecond = float64(tasks) / time.Since(begun).Seconds()
		return err
	})
	return perSecond, err
}
