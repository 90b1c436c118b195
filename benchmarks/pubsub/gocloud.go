package main

import (
	"context"

	"gocloud.dev/pubsub"
	_ "gocloud.dev/pubsub/gcppubsub" // opens gcppubsub://

	internal "github.com/longshore-dev/longshore/benchmarks/internal/gocloud"
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
		stop := internal.Receive(ctx, s, goroutines, load.DoRaw, internal.Failures(failed))
		return func() error {
			stop()
			return s.Shutdown(context.WithoutCancel(ctx))
		}, nil
	},
}
