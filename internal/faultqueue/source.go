package faultqueue

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// source passes the calls of one source through the rules.
type source struct {
	q     *Queue
	inner driver.Source
	dead  bool
}

func (s source) receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	c := &Call{Op: Receive, Dead: s.dead, Options: opts}
	s.q.do(ctx, c, func(ctx context.Context, c *Call) { c.Received, c.Err = s.inner.Receive(ctx, c.Options) })
	return c.Received, c.Err
}

func (s source) extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	c := &Call{Op: Extend, Dead: s.dead, Leases: leases, Hold: hold}
	s.q.do(ctx, c, func(ctx context.Context, c *Call) { c.Extended = s.inner.Extend(ctx, c.Leases, c.Hold) })
	return c.Extended
}

func (s source) settle(ctx context.Context, batch []driver.Settlement) []error {
	c := &Call{Op: Settle, Dead: s.dead, Batch: batch}
	s.q.do(ctx, c, func(ctx context.Context, c *Call) { c.Settled = s.inner.Settle(ctx, c.Batch) })
	return c.Settled
}

func (q *Queue) live() source { return source{q, q.inner, false} }

func (q *Queue) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	return q.live().receive(ctx, opts)
}

func (q *Queue) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	return q.live().extend(ctx, leases, hold)
}

func (q *Queue) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return q.live().settle(ctx, batch)
}

func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	c := &Call{Op: Send, Messages: batch}
	q.do(ctx, c, func(ctx context.Context, c *Call) { c.Sent = q.inner.Send(ctx, c.Messages) })
	return c.Sent
}

// Withdraw passes on to the inner queue where that is a driver.Withdrawer; else
// it is Unsupported.
func (q *Queue) Withdraw(ctx context.Context, id string) error {
	c := &Call{Op: Withdraw, ID: id}
	q.do(ctx, c, func(ctx context.Context, c *Call) {
		w, ok := q.inner.(driver.Withdrawer)
		if !ok {
			c.Err = driver.Errorf(driver.Unsupported, "faultqueue: withdraw", "the queue takes back no messages")
			return
		}
		c.Err = w.Withdraw(ctx, c.ID)
	})
	return c.Err
}

func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) {
	c := &Call{Op: Policy}
	q.do(ctx, c, func(ctx context.Context, c *Call) { c.Policy, c.Err = q.inner.Policy(ctx) })
	return c.Policy, c.Err
}

func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	c := &Call{Op: Stats}
	q.do(ctx, c, func(ctx context.Context, c *Call) { c.Stats, c.Err = q.inner.Stats(ctx) })
	return c.Stats, c.Err
}

// Close closes the inner queue. A caller that is cut off cannot.
func (q *Queue) Close(ctx context.Context) error {
	c := &Call{Op: Close}
	q.do(ctx, c, func(ctx context.Context, c *Call) { c.Err = q.inner.Close(ctx) })
	return c.Err
}

// Capabilities are those of the inner queue.
func (q *Queue) Capabilities() driver.Capabilities { return q.inner.Capabilities() }

// As takes a **Queue, and whatever the inner queue takes.
func (q *Queue) As(target any) bool {
	if p, ok := target.(**Queue); ok {
		*p = q
		return true
	}
	return q.inner.As(target)
}

// DeadLetter is the inner queue's, under the same rules.
func (q *Queue) DeadLetter() driver.DeadLetter { return &deadLetter{q, q.inner.DeadLetter()} }

type deadLetter struct {
	q     *Queue
	inner driver.DeadLetter
}

func (d *deadLetter) source() source { return source{d.q, d.inner, true} }

func (d *deadLetter) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	return d.source().receive(ctx, opts)
}

func (d *deadLetter) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	return d.source().extend(ctx, leases, hold)
}

func (d *deadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return d.source().settle(ctx, batch)
}

func (d *deadLetter) MoveAll(ctx context.Context, opts driver.MoveOptions) (driver.MoveReport, error) {
	c := &Call{Op: MoveAll, Dead: true, Move: opts}
	d.q.do(ctx, c, func(ctx context.Context, c *Call) { c.Report, c.Err = d.inner.MoveAll(ctx, c.Move) })
	return c.Report, c.Err
}

var (
	_ driver.Queue      = (*Queue)(nil)
	_ driver.Withdrawer = (*Queue)(nil)
	_ driver.DeadLetter = (*deadLetter)(nil)
)
