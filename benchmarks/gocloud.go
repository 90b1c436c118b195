package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"
)

var gocloudMem = contender{
	name: "gocloud mempubsub", producers: 100,
	does: "JSON, batches, ack after the handler; again after the ack deadline",
	open: func(ctx context.Context, done func(error)) (*running, error) {
		topic := mempubsub.NewTopic()
		subscription := mempubsub.NewSubscription(topic, time.Minute)
		receiving, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for {
					m, err := subscription.Receive(receiving)
					if receiving.Err() != nil {
						return
					}
					if err == nil {
						err = doJSON(m.Body)
						m.Ack()
					}
					done(err)
				}
			})
		}
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
				all.Wait()
				ctx := context.WithoutCancel(ctx)
				return errors.Join(topic.Shutdown(ctx), subscription.Shutdown(ctx))
			},
		}, nil
	},
}
