package runtimetest

import (
	"context"
	"sync"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

// queue is a queue in memory that tells the kit what is enqueued on it, and works
// it off inline if the kit says so.
type queue struct {
	*mem.Queue
	kit  *Kit
	name string

	// mu is held while a message becomes visible and is leased, so that inline
	// each caller leases what is its own.
	mu sync.Mutex
}

// Send is that of the queue in memory. Copies that a worker sends on are not
// recorded.
func (q *queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	tasks := make([]*sent, len(batch))
	in := q.kit.inline.Load()
	found := false
	for i := range batch {
		if tasks[i] = newSent(q.name, &batch[i]); tasks[i] != nil {
			found = true
		}
	}
	if in == nil || !found {
		results := q.Queue.Send(ctx, batch)
		q.kit.enqueued(tasks, results)
		return results
	}
	at := make([]driver.Message, len(batch))
	for i, m := range batch {
		at[i] = undelayed(m)
	}
	rest := context.WithoutCancel(ctx) // the client's ends at its send timeout
	var results []driver.SendResult
	leases := q.visible(rest, func() { results = q.Queue.Send(ctx, at) })
	q.kit.enqueued(tasks, results)
	q.workOff(rest, in, leases)
	return results
}

var (
	_ driver.Queue      = (*queue)(nil)
	_ driver.Withdrawer = (*queue)(nil)
)
