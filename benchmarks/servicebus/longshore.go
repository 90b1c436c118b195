package main

import (
	"context"
	"fmt"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/servicebus" // opens servicebus://
	"github.com/longshore-dev/longshore/runtime"
)

// slots are how many handlers run at the same time: as many as the loop by hand
// settles messages in parallel.
const slots = 100

// longshore keeps every lease: a task that comes a second time, or whose ack says
// that its lease is lost, ends it with an error.
var longshore = rate.Contender{
	Name: "longshore", Parallel: []int{slots},
	Does: "lease with a deadline and extension, envelope and JSON, retry policy, ack after the handler, dead letter",
	Open: func(ctx context.Context, queue string, parallel int, failed func(error)) (func() error, error) {
		q, err := openQueue(ctx, queue)
		if err != nil {
			return nil, err
		}
		w, err := load.Start(ctx, q, runtime.WorkerOptions{
			Concurrency: parallel, OnSettled: func(s runtime.Settled) {
				if s.Decision.Task == nil && s.Err == nil {
					return // given back by the drain, unstarted
				}
				if err := load.Acked(s); err != nil {
					failed(err)
				}
			},
		}, func(_ context.Context, t *runtime.Task[load.Task]) error {
			if err := first(t); err != nil {
				failed(err)
			}
			return t.Args.Do()
		}, failed)
		if err != nil {
			return nil, err
		}
		return w.End, nil
	},
}

// openQueue opens a queue of the server in the environment, as one opens that of an
// emulator: what its administration would say is declared.
func openQueue(ctx context.Context, queue string) (driver.Queue, error) {
	return driver.Default.Open(ctx, fmt.Sprintf("servicebus:///%s?hold=%v&max_deliveries=%d", queue, hold, maxDeliveries))
}

// first is an error for a task that was delivered before and not given back: its lease
// was not kept.
func first(t *runtime.Task[load.Task]) error {
	if t.Attempt != 1 {
		return fmt.Errorf("a task came for the %d. time", t.Attempt)
	}
	return nil
}
