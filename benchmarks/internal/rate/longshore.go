package rate

import (
	"context"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// oursName is the name of our contender.
const oursName = "longshore"

// Open opens a queue of the server in the environment.
type Open func(ctx context.Context, queue string) (driver.Queue, error)

// Longshore is a worker with so many slots. It keeps every lease: a task that comes a
// second time, or whose ack says that its lease is lost, ends it with an error.
func Longshore(slots int, open Open) Contender {
	return Contender{
		Name: oursName, Parallel: []int{slots},
		Does: "lease with a deadline and extension, envelope and JSON, retry policy, ack after the handler, dead letter",
		Open: func(ctx context.Context, queue string, parallel int, failed func(error)) (func() error, error) {
			q, err := open(ctx, queue)
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
				if err := load.First(t); err != nil {
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
}
