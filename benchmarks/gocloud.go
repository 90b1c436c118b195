package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	internal "github.com/longshore-dev/longshore/benchmarks/internal/gocloud"
)

var gocloudMem = contender{
	name: "gocloud mempubsub", producers: 100,
	does: "JSON, batches, ack after the handler; again after the ack deadline",
	open: func(ctx context.Context, done func(error)) (*running, error) {
		topic := mempubsub.NewTopic()
		subscription := mempubsub.NewSubscription(topic, time.Minute)
		stop := internal.Receive(ctx, subscription, workers, doJSON, done)
		return &running{
			send: func(ctx context.Context, t task) error {
				data, err := json.Marshal(t)
				if err != nil {
					return err
				}
				return topic.Send(ctx, &pubsub.Message{Body: data})
			},
			close: func() error {
				stop()
				ctx := context.WithoutCancel(ctx)
				return errors.Join(topic.Shutdown(ctx), subscription.Shutdown(ctx))
			},
		}, nil
	},
}
