package runtime_test

import (
	"context"
	"fmt"
	"log"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

type SendMail struct {
	To string `json:"to"`
}

func (SendMail) Kind() string { return "mail.send" }

func run(ctx context.Context) error {
	queues, err := runtime.Open(ctx, "mem://mails?hold=30s")
	if err != nil {
		return err
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"}); err != nil {
		return err
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[SendMail]) error {
		return send(ctx, t.Args.To, t.ID)
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Concurrency: 20})
	if err != nil {
		return err
	}
	return worker.Run(ctx) // until ctx ends, then it drains
}

// stop ends the example after its only mail.
var stop context.CancelFunc

func send(_ context.Context, to string, _ runtime.TaskID) error {
	fmt.Println("mail to", to)
	stop()
	return nil
}

// A first task: enqueued, handled, acknowledged.
func Example() {
	var ctx context.Context
	ctx, stop = context.WithCancel(context.Background())
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: mail to ann@example.com
}
