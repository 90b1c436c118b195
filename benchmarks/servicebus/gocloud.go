package main

import (
	"context"
	"errors"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"gocloud.dev/pubsub/azuresb"

	internal "github.com/longshore-dev/longshore/benchmarks/internal/gocloud"
	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

// gocloud is gocloud.dev's portable subscription on Service Bus with its own batching.
// It is made for a topic's subscription; given the receiver of a queue it does the same.
var gocloud = rate.Contender{
	Name: "gocloud azuresb", Parallel: []int{64}, Messages: 5000, // it completes a thousand a second
	Does: "receive, envelope and JSON, handler, acks in the background; no lock is renewed",
	Open: func(ctx context.Context, queue string, goroutines int, failed func(error)) (func() error, error) {
		client, err := azservicebus.NewClientFromConnectionString(os.Getenv(connectionVariable), nil)
		if err != nil {
			return nil, err
		}
		r, err := client.NewReceiverForQueue(queue, nil)
		if err != nil {
			return nil, errors.Join(err, client.Close(ctx))
		}
		s, err := azuresb.OpenSubscription(ctx, client, r, nil)
		if err != nil {
			return nil, errors.Join(err, client.Close(ctx))
		}
		stop := internal.Receive(ctx, s, goroutines, load.DoRaw, internal.Failures(failed))
		return func() error {
			stop()
			ctx := context.WithoutCancel(ctx)
			return errors.Join(s.Shutdown(ctx), client.Close(ctx))
		}, nil
	},
}
