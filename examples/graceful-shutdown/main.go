// Command graceful-shutdown ends a worker without losing or repeating work. Start
// it, then press Ctrl-C, or send SIGTERM as a container's host does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Bake is a task that takes a while.
type Bake struct {
	Cake string        `json:"cake"`
	For  time.Duration `json:"for"`
}

// Kind is what its handler is found by.
func (Bake) Kind() string { return "cake.bake" }

func run(ctx context.Context, w io.Writer, url string) error {
	// Not ctx: what is left is told after that has ended.
	rest := context.WithoutCancel(ctx)
	queues, err := runtime.Open(rest, url)
	if err != nil {
		return err
	}
	defer queues.Close(rest)
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	for _, r := range runtime.EnqueueMany(ctx, client, []Bake{{"short", 3 * time.Second}, {"long", time.Hour}, {"next", time.Second}}) {
		if r.Err != nil {
			return r.Err
		}
	}

	out := log.New(w, "", 0) // two handlers run side by side
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Bake]) error {
		out.Printf("%s: begins", t.Args.Cake)
		select {
		case <-time.After(t.Args.For): // the work
			out.Printf("%s: done", t.Args.Cake)
			return nil
		case <-ctx.Done():
			// With ErrDraining the time is nearly over: save what can be saved
			// and return. The task goes back at once, for another worker.
			if errors.Is(context.Cause(ctx), runtime.ErrDraining) {
				out.Printf("%s: cut short", t.Args.Cake)
			}
			return context.Cause(ctx)
		}
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 2,
		// How long Run goes on after ctx has ended. Less than the time after
		// which the host kills the process (Kubernetes: 30 s).
		Grace:  10 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := worker.Run(ctx); err != nil {
		return err
	}
	stats, err := queues.All()[0].Driver.Stats(rest)
	if err != nil {
		return err
	}
	out.Printf("left for another worker: %d", stats.Ready)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	fmt.Println("press Ctrl-C")
	if err := run(ctx, os.Stdout, "mem://cakes"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
