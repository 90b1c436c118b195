package main

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// encoded is n tasks as Longshore puts them on a queue.
func encoded(ctx context.Context, n int) ([]driver.Message, error) {
	q, err := mem.New(load.QueueName, nil)
	if err != nil {
		return nil, err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: load.QueueName, Driver: q}); err != nil {
		return nil, err
	}
	defer queues.Close(ctx)
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range runtime.EnqueueMany(ctx, client, load.NewTasks(n)) {
		if r.Err != nil {
			return nil, r.Err
		}
	}
	leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: n, Wait: time.Second})
	if err == nil && len(leases) != n {
		err = fmt.Errorf("of %d tasks %d came", n, len(leases))
	}
	messages := make([]driver.Message, len(leases))
	for i, l := range leases {
		messages[i] = l.Message()
	}
	return messages, err
}
