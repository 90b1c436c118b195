// Command retries shows what becomes of a task whose handler fails: the error that
// the handler returns decides.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// FetchPage is a task that meets one kind of trouble.
type FetchPage struct {
	Site string `json:"site"`
}

// Kind is the same for every site.
func (FetchPage) Kind() string { return "page.fetch" }

// fetch stands for something that goes over a network.
func fetch(_ context.Context, t *runtime.Task[FetchPage]) error {
	switch {
	case t.Args.Site == "gone": // no retry can help: to the dead letter at once
		return runtime.Permanent(errors.New("gone: 404 not found"))
	case t.Args.Site == "busy" && t.Attempt == 1: // the site said when to come back
		return runtime.RetryAfter(2*time.Second, errors.New("busy: 429 too many requests"))
	case t.Args.Site == "flaky" && t.Attempt < 3: // again after a backoff
		return errors.New("flaky: connection reset")
	case t.Args.Site == "broken": // a panic is a failed attempt, not the end of the worker
		panic("broken: no page")
	}
	return nil
}

func run(ctx context.Context, w io.Writer, url string) error {
	queues, err := runtime.Open(ctx, url)
	if err != nil {
		return err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	sites := []FetchPage{{"fine"}, {"flaky"}, {"busy"}, {"gone"}, {"broken"}}
	for _, r := range runtime.EnqueueMany(ctx, client, sites) {
		if r.Err != nil {
			return r.Err
		}
	}

	out := log.New(w, "", 0) // handlers and hooks run side by side
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[FetchPage]) error {
		err := fetch(ctx, t)
		if err == nil {
			out.Printf("attempt %d: %s: fetched", t.Attempt, t.Args.Site)
		}
		return err
	}, runtime.Retry(runtime.RetryPolicy{
		MaxAttempts: 3, // then the task is dead, and the error is kept with it
		Backoff:     runtime.Exponential(200*time.Millisecond, time.Minute),
		NoJitter:    true, // for the same output each time; leave jitter on
	}))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var left atomic.Int64 // hooks run side by side
	left.Store(int64(len(sites)))
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1,                             // for the same output each time
		Logger:      slog.New(slog.DiscardHandler), // it would log each failure
		OnError: func(s runtime.Settled) {
			out.Printf("attempt %d: %v", s.Decision.Task.Attempt, s.Decision.Err)
			if s.Decision.Settlement.Verdict == driver.Release {
				out.Printf("  again in %v", s.Decision.Settlement.Delay)
			}
		},
		OnDead: func(s runtime.Settled) { out.Printf("  dead: %s", s.Decision.Settlement.Reason) },
		OnSettled: func(s runtime.Settled) {
			if s.Decision.Settlement.Verdict == driver.Release {
				return // it comes again
			}
			if left.Add(-1) == 0 {
				stop()
			}
		},
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://pages"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
