// Command delays runs tasks later: by a delay, at a time, and when their handler
// puts them off. A task that comes too late is not run.
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

// Remind is a task for later.
type Remind struct {
	Text string `json:"text"`
}

// Kind is what its handler is found by.
func (Remind) Kind() string { return "reminder.send" }

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
	start := time.Now()
	since := func() time.Duration { return time.Since(start).Round(time.Second) }

	for _, task := range []struct {
		text string
		opt  runtime.EnqueueOption
	}{
		// A delay may be longer than the broker can give (SQS: 15 min): then the
		// task is sent on until it is due.
		{"in 2 s", runtime.Delay(2 * time.Second)},
		{"at a time", runtime.RunAt(start.Add(4 * time.Second))},
		// Whether this one can run, only its handler knows.
		{"not before lunch", runtime.Delay(0)},
		// A time to live of which nothing is left when it runs again.
		{"only now", runtime.TTL(time.Second)},
	} {
		if _, err := runtime.Enqueue(ctx, client, Remind{task.text}, task.opt); err != nil {
			return err
		}
	}

	out := log.New(w, "", 0) // handlers and hooks run side by side
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Remind]) error {
		switch {
		case t.Args.Text == "not before lunch" && since() < 6*time.Second:
			out.Printf("%v: %q is put off", since(), t.Args.Text)
			return runtime.Snooze(6 * time.Second) // which is no attempt
		case t.Args.Text == "only now":
			out.Printf("%v: %q fails", since(), t.Args.Text)
			return runtime.RetryAfter(3*time.Second, errors.New("nobody is there"))
		}
		out.Printf("%v: %q, attempt %d", since(), t.Args.Text, t.Attempt)
		return nil
	})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var left atomic.Int64 // hooks run side by side
	left.Store(4)
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1,
		Logger:      slog.New(slog.DiscardHandler), // it would log what fails
		OnDead: func(s runtime.Settled) {
			out.Printf("%v: dead: %s", since(), s.Decision.Settlement.Reason)
		},
		OnSettled: func(s runtime.Settled) {
			// A task that was put off goes on as a copy.
			if s.Decision.Copy != nil || s.Decision.Settlement.Verdict == driver.Release {
				return
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
	if err := run(context.Background(), os.Stdout, "mem://reminders"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
