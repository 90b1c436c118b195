package guide_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
)

func severalQueues(ctx context.Context) error {
	queues, err := runtime.Open(ctx, "mem://mails", "mem://images")
	if err != nil {
		return err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	client, err := runtime.NewClient(queues, &runtime.ClientOptions{
		Routes:       map[string]string{"image.resize": "images"},
		DefaultQueue: "mails", // of all other kinds
	})
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"}); err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, Resize{Image: "avatar"}); err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Resize]) error {
		fmt.Println(t.Kind, "from", t.Queue)
		stop()
		return nil
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Queues: []string{"images"}})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func TestSeveralQueuesPage(t *testing.T) {
	prints(t, "several-queues.md", func(t *testing.T) {
		if err := severalQueues(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
