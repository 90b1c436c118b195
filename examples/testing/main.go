// Command testing is a small shop whose test shows how to test tasks with
// runtime/runtimetest. Read main_test.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Ship is a task that has a package sent.
type Ship struct {
	Order int `json:"order"`
}

// Kind is what its handler is found by.
func (Ship) Kind() string { return "order.ship" }

// Survey is a task that asks how the customer liked it.
type Survey struct {
	Order int `json:"order"`
}

// Kind is what its handler is found by.
func (Survey) Kind() string { return "order.survey" }

// buy enqueues. It takes the client, so that a test can give it another.
func buy(ctx context.Context, c *runtime.Client, order int) error {
	if order <= 0 {
		return errors.New("there is no such order")
	}
	_, err := runtime.Enqueue(ctx, c, Ship{order}, runtime.Dedup(fmt.Sprintf("ship-%d", order)))
	return err
}

// carrier is what the handlers need of the world outside.
type carrier interface {
	Ship(ctx context.Context, order int) error
}

// handlers makes the mux. A test gives it another carrier.
func handlers(c *runtime.Client, by carrier, w io.Writer) *runtime.Mux {
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Ship]) error {
		if err := by.Ship(ctx, t.Args.Order); err != nil {
			return err
		}
		_, err := runtime.Enqueue(ctx, c, Survey{t.Args.Order}, runtime.Delay(20*time.Hour))
		return err
	}, runtime.Retry(runtime.RetryPolicy{MaxAttempts: 4, Backoff: runtime.Fixed(time.Hour), NoJitter: true}))
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Survey]) error {
		fmt.Fprintln(w, "how did you like order", t.Args.Order)
		return nil
	})
	return mux
}

// printer is a carrier that says what it would do.
type printer struct {
	w    io.Writer
	done func()
}

// Ship prints and is done.
func (p printer) Ship(_ context.Context, order int) error {
	fmt.Fprintln(p.w, "shipping order", order)
	p.done()
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
	if err := buy(ctx, client, 17); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	worker, err := runtime.NewWorker(queues, handlers(client, printer{w, stop}, w), nil)
	if err != nil {
		return err
	}
	return worker.Run(ctx) // the survey comes a day later
}

func main() {
	if err := run(context.Background(), os.Stdout, "mem://shop"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
