package main

import (
	"context"
	"sync"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

// rawPull is how many messages the loop by hand asks for.
const rawPull = 1000

// raw is a loop as one writes it by hand with Google's client: Pull, decode, do them,
// Acknowledge in one request, in each of some pollers. The client's own Receive takes
// StreamingPull, which the server does not have.
var raw = rate.Contender{
	Name: "raw apiv1", Parallel: []int{1, 2, 4, 8},
	Does: "pull 1,000, envelope and JSON, handler, acknowledge together; no lease is extended",
	Open: func(ctx context.Context, queue string, pollers int, failed func(error)) (func() error, error) {
		client, err := apiv1.NewSubscriptionAdminClient(ctx)
		if err != nil {
			return nil, err
		}
		polling, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range pollers {
			all.Go(func() {
				for polling.Err() == nil {
					if err := rawBatch(polling, client, subscription(queue)); err != nil && polling.Err() == nil {
						failed(err)
						return
					}
				}
			})
		}
		return func() error {
			stop()
			all.Wait()
			return client.Close()
		}, nil
	},
}

// rawBatch does one batch.
func rawBatch(ctx context.Context, client *apiv1.SubscriptionAdminClient, from string) error {
	pulled, err := client.Pull(ctx, &pubsubpb.PullRequest{Subscription: from, MaxMessages: rawPull})
	if err != nil {
		return err
	}
	ids := make([]string, len(pulled.GetReceivedMessages()))
	for i, m := range pulled.GetReceivedMessages() {
		if err := load.DoRaw(m.GetMessage().GetData()); err != nil {
			return err
		}
		ids[i] = m.GetAckId()
	}
	if len(ids) == 0 {
		return nil
	}
	return client.Acknowledge(context.WithoutCancel(ctx), &pubsubpb.AcknowledgeRequest{Subscription: from, AckIds: ids})
}
