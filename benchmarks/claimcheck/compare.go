package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	gort "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "gocloud.dev/blob/fileblob"

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

const (
	// workers do tasks at the same time, and producers send.
	workers, producers = 100, 4
	// lead is how many tasks producers may be ahead, so that it is not a backlog that is
	// measured.
	lead = 10_000
	// fewest rounds are made, however good the first are.
	fewest = 5
)

type options struct {
	rounds, tasks int
	least         float64
	out           io.Writer
}

type task struct {
	Text string `json:"text"`
}

func (task) Kind() string { return "bench" }

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
		ratio = medianOf(rates[1]) / medianOf(rates[0])
		if round+1 >= fewest && ratio >= o.least {
			break
		}
	}
	if objects, err := os.ReadDir(dir); err != nil || len(objects) > 0 {
		return fmt.Errorf("%d small payloads went to the store (%w)", len(objects), err)
	}
	fmt.Fprintf(o.out, "%d tasks of 64 bytes, %d workers, %d interleaved rounds; %s, %s/%s, %d CPUs\n\n", o.tasks, workers, len(rates[0]),
		gort.Version(), gort.GOOS, gort.GOARCH, gort.GOMAXPROCS(0))
	for i, name := range []string{"without a store", "with a store"} {
		fmt.Fprintf(o.out, "%-16s %8.0f tasks/s (%.0f to %.0f)\n", name, medianOf(rates[i]), slices.Min(rates[i]), slices.Max(rates[i]))
	}
	fmt.Fprintf(o.out, "ratio of medians %.3f, at least %.2f\n", ratio, o.least)
	if ratio < o.least {
		return fmt.Errorf("with a store small tasks have %.3f of the throughput, less than %.2f", ratio, o.least)
	}
	return nil
}

func medianOf(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// measure is how many tasks a second go from a client to a handler and are acknowledged.
func measure(ctx context.Context, payloads *runtime.Payloads, tasks int) (perSecond float64, err error) {
	gort.GC() // what the last one left is not on this one's account
	q, err := mem.New("bench", nil)
	if err != nil {
		return 0, err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "bench", Driver: q}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, queues.Close(context.WithoutCancel(ctx))) }()
	client, err := runtime.NewClient(queues, &runtime.ClientOptions{Payloads: payloads})
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ahead := make(chan struct{}, lead)
	var done atomic.Int64
	mux := runtime.NewMux(&runtime.MuxOptions{Payloads: payloads})
	runtime.Handle(mux, func(context.Context, *runtime.Task[task]) error { return nil })
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: workers, Logger: slog.New(slog.DiscardHandler),
		OnSettled: func(s runtime.Settled) {
			if s.Err != nil || s.Decision.Settlement.Verdict != driver.Ack {
				stop(fmt.Errorf("a task was not acknowledged: %w", errors.Join(s.Err, s.Decision.Err)))
				return
			}
			<-ahead
			if done.Add(1) == int64(tasks) {
				stop(nil)
			}
		},
	})
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() {
			args := task{strings.Repeat("x", 53)}
			for range (tasks + p) / producers {
				select {
				case ahead <- struct{}{}:
				case <-ctx.Done():
					return
				}
				if _, err := runtime.Enqueue(ctx, client, args); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	ran := worker.Run(ctx)
	perSecond = float64(tasks) / time.Since(begun).Seconds()
	all.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return 0, errors.Join(cause, ran)
	}
	if n := done.Load(); n != int64(tasks) {
		return 0, fmt.Errorf("%d tasks were done, and %d sent", n, tasks)
	}
	return perSecond, ran
}
