// Command priorities shows one worker on several queues: a share of the work for
// each by its weight, or one after the other.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Render is a task of which there are urgent ones and others. The queue says how
// urgent it is, so each has a dead letter and numbers of its own.
type Render struct {
	Page int `json:"page"`
}

// Kind is the same on every queue.
func (Render) Kind() string { return "page.render" }

var weights = map[string]int{"urgent": 6, "normal": 3, "bulk": 1}

// work does the first n tasks of three queues that have more than that, and says of
// which queue each was.
func work(ctx context.Context, n int, strict bool) ([]string, error) {
	queues := new(runtime.Queues)
	defer queues.Close(context.WithoutCancel(ctx))
	for name, weight := range weights {
		q, err := driver.Default.Open(ctx, "mem://"+name)
		if err != nil {
			return nil, err
		}
		if err := queues.Add(runtime.QueueInfo{Name: name, Driver: q, Weight: weight}); err != nil {
			return nil, err
		}
		client, err := runtime.NewClient(queues, &runtime.ClientOptions{DefaultQueue: name})
		if err != nil {
			return nil, err
		}
		pages := make([]Render, n)
		if strict && name != "bulk" {
			pages = pages[:n/4] // so that each queue has its turn
		}
		for _, r := range runtime.EnqueueMany(ctx, client, pages) {
			if r.Err != nil {
				return nil, r.Err
			}
		}
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var started []string
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Render]) error {
		if started = append(started, t.Queue); len(started) == n {
			stop()
		}
		<-time.After(time.Millisecond) // it takes a while
		return nil
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1, // so that the handler needs no lock
		Strict:      strict,
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	err = worker.Run(ctx)
	return started[:n], err
}

func run(ctx context.Context, w io.Writer) error {
	started, err := work(ctx, 1000, false)
	if err != nil {
		return err
	}
	all := strings.Join(started, " ")
	fmt.Fprintln(w, "by weight, of the first 1,000 tasks:")
	for _, name := range []string{"urgent", "normal", "bulk"} {
		fmt.Fprintf(w, "  %s, weight %d: about %d\n", name, weights[name], (strings.Count(all, name)+50)/100*100)
	}

	if started, err = work(ctx, 12, true); err != nil {
		return err
	}
	fmt.Fprintf(w, "strict:\n  %s\n", strings.Join(started, " "))
	return nil
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
