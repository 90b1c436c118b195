// Command large-payloads sends a task that no queue takes in one message: its payload goes
// to an object store, here a directory, and the message refers to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	_ "gocloud.dev/blob/fileblob" // s3blob, gcsblob or azureblob in earnest

	"github.com/longshore-dev/longshore/claimcheck"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// Report is a task with a large payload.
type Report struct {
	Name string   `json:"name"`
	Rows []string `json:"rows"`
}

// Kind is what its handler is found by.
func (Report) Kind() string { return "report.print" }

func run(ctx context.Context, w io.Writer, queue, dir string) error {
	queues, err := runtime.Open(ctx, queue)
	if err != nil {
		return err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	// s3://shop-payloads?region=eu-west-1&prefix=reports/ in earnest.
	store, err := claimcheck.Open(ctx, "file://"+filepath.ToSlash(dir)+"?prefix=reports/")
	if err != nil {
		return err
	}
	defer store.Close()
	// The same for clients and workers.
	payloads := &runtime.Payloads{Store: store, Compression: zstd.New()}

	client, err := runtime.NewClient(queues, &runtime.ClientOptions{Payloads: payloads})
	if err != nil {
		return err
	}
	large := Report{Name: "large"}
	for i := range 500_000 {
		large.Rows = append(large.Rows, fmt.Sprintf("row %d of %x", i, i*i*7919))
	}
	for _, r := range []Report{{"small", []string{"a"}}, large} {
		if _, err := runtime.Enqueue(ctx, client, r); err != nil {
			return err
		}
		objects, err := filepath.Glob(filepath.Join(dir, "reports", "*"))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: enqueued, %d objects in the store\n", r.Name, len(objects))
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mux := runtime.NewMux(&runtime.MuxOptions{Payloads: payloads, Logger: slog.New(slog.DiscardHandler)})
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Report]) error {
		if t.Attempt == 1 {
			return errors.New("the printer is out of paper") // the object is kept for the retry
		}
		fmt.Fprintf(w, "%s: attempt %d prints %d rows\n", t.Args.Name, t.Attempt, len(t.Args.Rows))
		if t.Args.Name == "large" {
			stop()
		}
		return nil
	}, runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(0)}))
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Concurrency: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func main() {
	dir, err := os.MkdirTemp("", "payloads")
	if err == nil {
		err = errors.Join(run(context.Background(), os.Stdout, "mem://reports", dir), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
