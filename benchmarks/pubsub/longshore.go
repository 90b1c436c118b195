package main

import (
	"context"

	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/pubsub" // opens pubsub://
)

// slots are how many handlers run at the same time.
const slots = 64

var longshore = rate.Longshore(slots, openQueue)

// openQueue opens a queue of the server in the environment.
func openQueue(ctx context.Context, queue string) (driver.Queue, error) {
	return driver.Default.Open(ctx, "pubsub://"+project+"/"+queue)
}
