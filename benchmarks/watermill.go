package main

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// watermillGoChannel has no buffer, which is its default; watermillBuffered has one.
var (
	watermillGoChannel = watermillWith("watermill gochannel", 0)
	watermillBuffered  = watermillWith("watermill gochannel, buffer 1,024", 1024)
)

func watermillWith(name string, buffer int64) contender {
	return contender{
		name: name, producers: 4,
		does: "JSON, message with id, ack after the handler; again at once after a nack",
		open: func(ctx context.Context, done func(error)) (*running, error) {
			pubsub := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: buffer}, watermill.NopLogger{})
			messages, err := pubsub.Subscribe(ctx, "bench")
			if err != nil {
				return nil, err
			}
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for m := range messages {
						err := doJSON(m.Payload)
						m.Ack()
						done(err)
					}
				})
			}
			return &running{
				send: func(_ context.Context, t task) error {
					data, err := json.Marshal(t)
					if err != nil {
						return err
					}
					return pubsub.Publish("bench", message.NewMessage(watermill.NewUUID(), data))
				},
				close: func() error {
					err := pubsub.Close()
					all.Wait()
					return err
				},
			}, nil
		},
	}
}
