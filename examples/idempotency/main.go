// Command idempotency makes a second run of a task harmless. A task is delivered at
// least once: when a worker dies between the work and its acknowledgement, the task
// runs again. Its id is the same each time.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Charge is a task that must not be done twice.
type Charge struct {
	Order int `json:"order"`
	Cents int `json:"cents"`
}

// Kind is what its handler is found by.
func (Charge) Kind() string { return "card.charge" }

// ledger stands for a table of charges whose key is the id of the task. In
// earnest the charge and its row are written in one transaction, or the id is
// given to the payment provider as its idempotency key.
type ledger struct {
	mu      sync.Mutex
	charges map[runtime.TaskID]int // guarded by mu
}

// charge says whether it is the first of this task.
func (l *ledger) charge(id runtime.TaskID, cents int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, done := l.charges[id]; done {
		return false
	}
	l.charges[id] = cents
	return true
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

	// A retry of Enqueue with the same id is the same task. With Dedup the queue
	// drops the second message, if it comes within its window: that saves a run,
	// and does not replace what the handler does.
	task, id := Charge{Order: 17, Cents: 4200}, runtime.NewTaskID()
	for range 2 {
		if _, err := runtime.Enqueue(ctx, client, task, runtime.ID(id), runtime.Dedup("charge-17")); err != nil {
			return err
		}
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	book := &ledger{charges: make(map[runtime.TaskID]int)}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Charge]) error {
		if !book.charge(t.ID, t.Args.Cents) {
			fmt.Fprintf(w, "attempt %d: order %d was charged before\n", t.Attempt, t.Args.Order)
			stop()
			return nil
		}
		fmt.Fprintf(w, "attempt %d: charged %d cents for order %d\n", t.Attempt, t.Args.Cents, t.Args.Order)
		panic("the worker dies before the task is acknowledged")
	})
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := worker.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintln(w, "charges:", len(book.charges))
	return nil
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://charges"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
