// Command dead-letters shows a task that dies of a bug, and is sent back when the
// bug is fixed. The same from the command line: longshore dlq list, dlq redrive.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Charge is a task that the first version of the program cannot do.
type Charge struct {
	Currency string `json:"currency"`
}

// Kind is what its handler is found by.
func (Charge) Kind() string { return "card.charge" }

// work runs a worker until n tasks have ended, done or dead.
func work(ctx context.Context, queues *runtime.Queues, n int, charge func(*runtime.Task[Charge]) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Charge]) error { return charge(t) })
	var left atomic.Int64 // hooks run side by side
	left.Store(int64(n))
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1,
		Logger:      slog.New(slog.DiscardHandler), // it would log what dies
		OnSettled: func(s runtime.Settled) {
			if s.Decision.Settlement.Verdict != driver.Release && left.Add(-1) == 0 {
				stop()
			}
		},
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
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
	for _, r := range runtime.EnqueueMany(ctx, client, []Charge{{"EUR"}, {"JPY"}}) {
		if r.Err != nil {
			return r.Err
		}
	}

	// A task whose error no retry can help is dead at once; others are when
	// their attempts are used up. A dead task is kept, with the error.
	err = work(ctx, queues, 2, func(t *runtime.Task[Charge]) error {
		if t.Args.Currency == "JPY" {
			return runtime.Permanent(fmt.Errorf("currency %s is not known", t.Args.Currency))
		}
		fmt.Fprintln(w, "charged", t.Args.Currency)
		return nil
	})
	if err != nil {
		return err
	}

	// The bug is fixed: send back what died of it. Match sees why each task is
	// dead; what it does not choose stays dead.
	report, err := runtime.Redrive(ctx, queues, runtime.QueueName(url), &runtime.RedriveOptions{
		Match: func(t runtime.DeadTask) bool {
			fmt.Fprintf(w, "dead: %s for %s: %s\n", t.Kind, t.Death.Reason, t.Death.Detail)
			return t.Kind == "card.charge" && t.Death.Reason == driver.ReasonPermanent
		},
		Rate: 10, // a second, so that the workers are not run over
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "sent back:", report.Moved)

	// It runs as the same task, with fresh attempts.
	return work(ctx, queues, report.Moved, func(t *runtime.Task[Charge]) error {
		fmt.Fprintf(w, "charged %s, attempt %d, redrive %d\n", t.Args.Currency, t.Attempt, t.Redrives)
		return nil
	})
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://charges"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
