package main

import (
	"context"
	"time"

	"gocloud.dev/pubsub/awssnssqs"
	"gocloud.dev/pubsub/batcher"

	internal "github.com/longshore-dev/longshore/benchmarks/internal/gocloud"
	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// gocloud is gocloud.dev's portable subscription on SQS with few calls for acks at
// once, so that acks wait for each other and go out in larger batches.
var gocloud = contender{
	name: "gocloud awssnssqs, 2 ack handlers", parallel: []int{1, 8, 64},
	does: "receive, envelope and JSON, handler, acks batched in the background",
	open: openGocloud(awssnssqs.SubscriptionOptions{AckBatcherOptions: batcher.Options{MaxHandlers: 2}}),
}

// gocloudDefault is the same with its own batching.
var gocloudDefault = contender{
	name: "gocloud awssnssqs", parallel: []int{1, 8, 64},
	does: "the same, up to 100 calls for acks at once",
	open: openGocloud(awssnssqs.SubscriptionOptions{}),
}

// openGocloud is for a contender with these options. Raw spares it a look for SNS
// in each body.
func openGocloud(opts awssnssqs.SubscriptionOptions) func(context.Context, int, func(error)) (func() error, error) {
	opts.Raw, opts.WaitTime = true, 20*time.Second
	return func(ctx context.Context, goroutines int, done func(error)) (func() error, error) {
		client, err := newClient(ctx, connections)
		if err != nil {
			return nil, err
		}
		subscription := awssnssqs.OpenSubscription(ctx, client, queueURL(), &opts)
		stop := internal.Receive(ctx, subscription, goroutines, load.DoRaw, done)
		return func() error {
			stop()
			return subscription.Shutdown(context.WithoutCancel(ctx))
		}, nil
	}
}
