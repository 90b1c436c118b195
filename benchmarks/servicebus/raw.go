package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

// batch is how many messages the loop by hand asks for, and settles in parallel.
const batch = 100

// raw is a loop as one writes it by hand with azservicebus: ReceiveMessages(100), then
// the handler and CompleteMessage for each in parallel. With more than one each loop
// has a receiver of its own.
var raw = rate.Contender{
	Name: "raw azservicebus", Parallel: []int{1, 2, 4},
	Does: "receive 100, envelope and JSON, handler, complete in parallel; no lock is renewed",
	Open: func(ctx context.Context, queue string, loops int, failed func(error)) (func() error, error) {
		client, err := azservicebus.NewClientFromConnectionString(os.Getenv(connectionVariable), nil)
		if err != nil {
			return nil, err
		}
		receiving, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range loops {
			r, err := client.NewReceiverForQueue(queue, nil)
			if err != nil {
				stop()
				all.Wait()
				return nil, errors.Join(err, client.Close(context.WithoutCancel(ctx)))
			}
			all.Go(func() {
				if err := loop(receiving, r); receiving.Err() == nil {
					failed(err)
				}
			})
		}
		return func() error {
			stop()
			all.Wait()
			return client.Close(context.WithoutCancel(ctx))
		}, nil
	},
}

// loop works until ctx ends, or something goes wrong, which it answers.
func loop(ctx context.Context, r *azservicebus.Receiver) error {
	for {
		messages, err := r.ReceiveMessages(ctx, batch, nil)
		if err != nil {
			return err
		}
		errs := make([]error, len(messages))
		var settled sync.WaitGroup
		for i, m := range messages {
			settled.Go(func() {
				if errs[i] = load.DoRaw(m.Body); errs[i] == nil {
					errs[i] = r.CompleteMessage(context.WithoutCancel(ctx), m, nil)
				}
			})
		}
		settled.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
}
