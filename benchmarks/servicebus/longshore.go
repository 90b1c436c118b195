package main

import (
	"context"
	"fmt"

	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/servicebus" // opens servicebus://
)

// slots are how many handlers run at the same time: as many as the loop by hand
// settles messages in parallel.
const slots = 100

var longshore = rate.Longshore(slots, openQueue)

// openQueue opens a queue of the server in the environment, as one opens that of an
// emulator: what its administration would say is declared.
func openQueue(ctx context.Context, queue string) (driver.Queue, error) {
	return driver.Default.Open(ctx, fmt.Sprintf("servicebus:///%s?hold=%v&max_deliveries=%d", queue, hold, maxDeliveries))
}
