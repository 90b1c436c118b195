// Command first-task enqueues a task and does it: the least that a program needs.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	// The driver of the URL's scheme. For Amazon SQS import drivers/sqs and
	// change the URL; nothing else changes.
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// SendMail is a task. What it holds travels as JSON.
type SendMail struct {
	To string `json:"to"`
}

// Kind says which handler does it. It stays the same while tasks are on a queue,
// even when the type gets another name.
func (SendMail) Kind() string { return "mail.send" }

func run(ctx context.Context, w io.Writer, url string) error {
	queues, err := runtime.Open(ctx, url)
	if err != nil {
		return err
	}
	defer queues.Close(context.WithoutCancel(ctx))

	// One side enqueues. A nil error means that the queue has stored the task.
	// In earnest this is another program than the worker.
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"}); err != nil {
		return err
	}

	// The other side handles. The task is acknowledged when the handler has
	// returned nil, and never before.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendMail]) error {
		fmt.Fprintf(w, "mail to %s, attempt %d\n", t.Args.To, t.Attempt)
		stop() // this example ends after its only mail; a worker goes on
		return nil
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Concurrency: 10})
	if err != nil {
		return err
	}
	return worker.Run(ctx) // until ctx ends, then it finishes what has begun
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://mails"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
