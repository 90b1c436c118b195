package limited

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// source is the queue or its dead letter.
type source struct {
	q     *Queue
	inner driver.Queue
	dead  bool
}

// lease is one delivery, without an attempt and with an end that keeps a
// reserve.
type lease struct {
	driver.Lease
	s source
}

func (l *lease) Attempt() int { return 0 }

func (l *lease) Expires() time.Time {
	return l.Lease.Expires().Add(-max(time.Second, l.s.q.config.Hold/10))
}

func (l *lease) As(target any) bool {
	if p, ok := target.(**lease); ok {
		*p = l
		return true
	}
	return l.Lease.As(target)
}

// own is the lease if it was received from this source.
func (s source) own(op string, l driver.Lease) (*lease, error) {
	var own *lease
	if l == nil || !l.As(&own) || own.s != s {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the lease is not one of this queue")
	}
	return own, nil
}

func (s source) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	c := s.q.Capabilities()
	if err := s.checkHold("limited: receive", opts.Hold); err != nil && s.q.open(ctx) == nil {
		return nil, err
	}
	if err := driver.CheckReceive("limited: receive", &c, opts); err != nil && s.q.open(ctx) == nil {
		return nil, err
	}
	opts.Hold = 0
	leases, err := s.inner.Receive(ctx, opts)
	if driver.Is(err, driver.Canceled) {
		// What was on its way is stranded until its hold runs out.
		rest := context.WithoutCancel(ctx)
		_, _ = s.inner.Receive(rest, driver.ReceiveOptions{Max: max(opts.Max, 1), Wait: time.Millisecond})
	}
	for i := range leases {
		leases[i] = &lease{leases[i], s}
	}
	return leases, err
}

func (s source) checkHold(op string, hold time.Duration) error {
	if hold != 0 && hold != s.q.config.Hold {
		return driver.Errorf(driver.InvalidArgument, op, "hold %v is not %v, which is fixed", hold, s.q.config.Hold)
	}
	return nil
}

func (s source) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	err := driver.CheckBatch("limited: extend", len(leases), s.q.Capabilities().MaxSettleBatch)
	if err == nil {
		err = s.checkHold("limited: extend", hold)
	}
	if err != nil {
		return driver.FailExtend(len(leases), err)
	}
	results := make([]driver.ExtendResult, len(leases))
	for i, l := range leases {
		own, err := s.own("limited: extend", l)
		if err != nil && s.q.open(ctx) == nil {
			results[i].Err = err
			continue
		}
		var inner driver.Lease
		if own != nil {
			inner = own.Lease
		}
		results[i] = s.inner.Extend(ctx, []driver.Lease{inner}, 0)[0]
	}
	return results
}

func (s source) Settle(ctx context.Context, batch []driver.Settlement) []error {
	c := s.q.Capabilities()
	err := s.q.open(ctx)
	if err == nil {
		err = driver.CheckBatch("limited: settle", len(batch), c.MaxSettleBatch)
	}
	if err != nil {
		return driver.FailSettle(len(batch), err)
	}
	errs := make([]error, len(batch))
	for i := range batch {
		errs[i] = s.settle(ctx, &c, batch[i])
	}
	return errs
}

func (s source) settle(ctx context.Context, c *driver.Capabilities, v driver.Settlement) error {
	if err := driver.CheckSettlement("limited: settle", c, &v, s.dead); err != nil {
		return err
	}
	l, err := s.own("limited: settle", v.Lease)
	if err != nil {
		return err
	}
	q := s.q
	switch v.Verdict {
	case driver.Bury:
		if q.config.Missing {
			return driver.Errorf(driver.NotFound, "limited: settle", "the queue has no dead letter")
		}
		return q.move(ctx, q.config.Dead, driver.DeadCopy(v, "limited", time.Now()), q.config.Live, l.Lease, q.config.Flaws.BuryDeletesFirst)
	case driver.Redrive:
		return q.move(ctx, q.config.Live, driver.LiveCopy(v.Lease.Message()), q.config.Dead, l.Lease, q.config.Flaws.RedriveDeletesFirst)
	}
	v.Lease = l.Lease
	return quiet(s.inner.Settle(ctx, []driver.Settlement{v})[0])
}

// deadLetter is the dead letter of a limited queue.
type deadLetter struct{ source }

// Receive looks every second for what the broker has put aside by its own limit.
func (d *deadLetter) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	end := time.Now().Add(opts.Wait)
	for {
		if err := d.bringOver(ctx); err != nil {
			return nil, err
		}
		opts.Wait = min(opts.Wait, max(0, time.Until(end)), time.Second)
		leases, err := d.source.Receive(ctx, opts)
		if err != nil || len(leases) > 0 || !time.Now().Before(end) {
			return leases, err
		}
	}
}

// bringOver moves what the broker has put aside to the dead letter.
func (d *deadLetter) bringOver(ctx context.Context) error {
	live, dead := d.q.config.Live.DeadLetter(), d.q.config.Dead
	for {
		put, err := live.Receive(ctx, driver.ReceiveOptions{Max: 1})
		if err != nil || len(put) == 0 {
			return err
		}
		m := driver.CopyOf(put[0].Message())
		m.Death = put[0].Message().Death
		if err := d.q.move(ctx, dead, m, live, put[0], false); err != nil {
			return err
		}
	}
}

func (d *deadLetter) MoveAll(ctx context.Context, _ driver.MoveOptions) (driver.MoveReport, error) {
	if err := d.q.open(ctx); err != nil {
		return driver.MoveReport{}, err
	}
	return driver.MoveReport{}, driver.Errorf(driver.Unsupported, "limited: move all", "the broker has no bulk move")
}

var (
	_ driver.DeadLetter = (*deadLetter)(nil)
	_ driver.Lease      = (*lease)(nil)
)
