package main

import (
	"context"
	"encoding/json"
	"sync"
)

var channel = contender{
	name: "channel", producers: 4, does: "nothing",
	open: func(_ context.Context, done func(error)) (*running, error) {
		tasks := make(chan task, workers)
		return &running{
			send:  func(_ context.Context, t task) error { tasks <- t; return nil },
			close: work(tasks, func(t task) { done(t.do()) }),
		}, nil
	},
}

var channelJSON = contender{
	name: "channel, JSON", producers: 4, does: "JSON",
	open: func(_ context.Context, done func(error)) (*running, error) {
		tasks := make(chan []byte, workers)
		return &running{
			send: func(_ context.Context, t task) error {
				data, err := json.Marshal(t)
				tasks <- data
				return err
			},
			close: work(tasks, func(data []byte) { done(doJSON(data)) }),
		}, nil
	},
}

// work starts workers that do what comes from a channel. The function that it
// returns closes the channel and waits for them.
func work[T any](tasks chan T, do func(T)) (end func() error) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for t := range tasks {
				do(t)
			}
		})
	}
	return func() error {
		close(tasks)
		all.Wait()
		return nil
	}
}
