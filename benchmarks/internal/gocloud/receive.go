// Package gocloud is what the contenders of gocloud.dev have in common.
package gocloud

import (
	"context"
	"sync"

	"gocloud.dev/pubsub"
)

// Receive has goroutines receive messages from s, do and acknowledge each, until stop,
// which waits for them. Done hears of each message and of what fails.
func Receive(ctx context.Context, s *pubsub.Subscription, goroutines int, do func(body []byte) error, done func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for {
				m, err := s.Receive(ctx)
				if ctx.Err() != nil {
					return
				}
				if err == nil {
					err = do(m.Body)
					m.Ack()
				}
				done(err)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// Failures is a done for who wants to hear of what fails only.
func Failures(failed func(error)) (done func(error)) {
	return func(err error) {
		if err != nil {
			failed(err)
		}
	}
}
