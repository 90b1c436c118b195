// Command long-task runs a handler for longer than the queue leases a message. The
// worker extends the lease while the handler runs, so that the queue's hold (SQS:
// visibility timeout) can be short: a worker that dies is noticed soon.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Transcode is a task of unknown length.
type Transcode struct {
	Video string `json:"video"`
	Parts int    `json:"parts"`
}

// Kind is what its handler is found by.
func (Transcode) Kind() string { return "video.transcode" }

// transcode heeds ctx between parts. It ends when the lease was lost
// (ErrLeaseLost: another worker may be at the task already), when the time limit
// has passed (ErrTimeout) and when the worker is about to end (ErrDraining).
func transcode(ctx context.Context, t *runtime.Task[Transcode], w io.Writer) error {
	for part := 1; part <= t.Args.Parts; part++ {
		select {
		case <-ctx.Done():
			fmt.Fprintf(w, "%s: stopped in part %d: %v\n", t.Args.Video, part, context.Cause(ctx))
			return context.Cause(ctx)
		case <-time.After(time.Second): // the work
			fmt.Fprintf(w, "%s: part %d done\n", t.Args.Video, part)
		}
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Transcode]) error {
		err := transcode(ctx, t, w)
		if errors.Is(err, runtime.ErrTimeout) {
			stop() // the example's last task
			return runtime.Permanent(err)
		}
		return err
	}, runtime.Timeout(4500*time.Millisecond))

	// Three parts take 3 s, which is longer than the hold of 1 s. Nine parts take
	// longer than the handler's own limit.
	for _, video := range []Transcode{{"short", 3}, {"long", 9}} {
		if _, err := runtime.Enqueue(ctx, client, video); err != nil {
			return err
		}
	}
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1,
		Logger:      slog.New(slog.DiscardHandler), // it would log what dies
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://videos?hold=1s"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
