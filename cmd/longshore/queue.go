package main

import (
	"context"
	"errors"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"    // mem://
	_ "github.com/longshore-dev/longshore/drivers/pubsub" // pubsub://
	_ "github.com/longshore-dev/longshore/drivers/sqs"    // sqs://
	"github.com/longshore-dev/longshore/runtime"
)

// opener opens a queue by its URL.
type opener func(ctx context.Context, url string) (driver.Queue, error)

// openQueues opens the one queue of a command. The retry policy is that of tasks
// whose kind has none of its own, which the start-up check looks at too; nil is
// the runtime's.
func openQueues(ctx context.Context, open opener, url, command string, retry *runtime.RetryPolicy) (*runtime.Queues, error) {
	q, err := open(ctx, url)
	if err != nil {
		return nil, &usageError{err, command + " --help lists the queue URLs and their parameters"}
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: runtime.QueueName(url), Driver: q, Retry: retry}); err != nil {
		return nil, errors.Join(err, q.Close(ctx))
	}
	return queues, nil
}
