package servicebus

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// deadLetter is the dead letter of a Queue.
type deadLetter Queue

// Receive leases dead messages. One that Service Bus put there has a death record with
// reason broker-limit, or expired.
func (d *deadLetter) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	return d.dead.Receive(ctx, opts)
}

func (d *deadLetter) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	return d.dead.Extend(ctx, leases, hold)
}

func (d *deadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return d.dead.Settle(ctx, batch)
}

// MoveAll is Unsupported: Service Bus has no bulk redrive.
func (d *deadLetter) MoveAll(ctx context.Context, _ driver.MoveOptions) (driver.MoveReport, error) {
	q := (*Queue)(d)
	op := q.ops.move
	report := driver.MoveReport{Total: driver.Unreported}
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return report, err
	}
	defer q.gate.Leave()
	return report, driver.Errorf(driver.Unsupported, op, "Service Bus has no bulk redrive; redrive message by message")
}

var _ driver.DeadLetter = (*deadLetter)(nil)
