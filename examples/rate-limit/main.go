// Command rate-limit shows how to spare what a handler calls: so many tasks a second,
// and a pause when it asks for one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// SendText is a task that calls a provider who takes five a second.
type SendText struct {
	Number int `json:"number"`
}

// Kind is the same for every number.
func (SendText) Kind() string { return "text.send" }

// provider stands for the provider's API.
type provider struct{ calls int }

var errBusy = errors.New("429 too many requests")

// send is refused once.
func (p *provider) send(int) error {
	if p.calls++; p.calls == 4 {
		return errBusy
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
	texts := []SendText{{1}, {2}, {3}, {4}, {5}, {6}}
	for _, r := range runtime.EnqueueMany(ctx, client, texts) {
		if r.Err != nil {
			return r.Err
		}
	}

	out := log.New(w, "", 0)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began, left := time.Now(), len(texts)
	api := new(provider)
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)}) // it would log the pause
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendText]) error {
		at := time.Since(began).Round(100 * time.Millisecond)
		if err := api.send(t.Args.Number); err != nil {
			// No task of the queue starts meanwhile, and no attempt is burned.
			out.Printf("%v: attempt %d: %v", at, t.Attempt, err)
			return runtime.PauseQueue(2*time.Second, err)
		}
		out.Printf("%v: attempt %d: sent", at, t.Attempt)
		if left--; left == 0 {
			stop()
		}
		return nil
	}, runtime.RateLimit(5, 1)) // all workers together: divide by their number
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1, // so that the handler needs no lock
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://texts"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
