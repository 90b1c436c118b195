package main

import (
	"context"
	"sync"

	"gocloud.dev/pubsub"
	_ "gocloud.dev/pubsub/gcppubsub" // opens gcppubsub://

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

// gocloud is gocloud.dev's portable subscription on Pub/Sub with its own batching:
// up to 1,000 messages a Pull, up to 1,000 a request for acks.
var gocloud = rate.Contender{
	Name: "gocloud gcppubsub", Parallel: []int{1, 8, 64},
	Does: "receive, envelope and JSON, handler, acks batched in the background; no lease is extended",
	Open: func(ctx context.Context, queue string, goroutines int, failed func(error)) (func() error, error) {
		s, err := pubsub.OpenSubscription(ctx, "gcppubsub://"+subscription(queue))
		if err != nil {
			return nil, err
		}
		receiving, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for {
					m, err := s.Receive(receiving)
					if receiving.Err() != nil {
						return
					}
					if err == nil {
						err = load.DoRaw(m.Body)
						m.Ack()
					}
					if err != nil {
						failed(err)
						return
					}
				}
			})
		}
		return func() error {
			stop()
			all.Wait()
			return s.Shutdown(context.WithoutCancel(ctx))
		}, nil
	},
}
