package sqs

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// deadLetter is the dead letter of a Queue.
type deadLetter Queue

// Receive leases dead messages. One that the broker put there has a death record
// with reason broker-limit.
func (d *deadLetter) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	return d.dead.Receive(ctx, opts)
}

func (d *deadLetter) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	return d.dead.Extend(ctx, leases, hold)
}

func (d *deadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return d.dead.Settle(ctx, batch)
}

var _ driver.DeadLetter = (*deadLetter)(nil)
