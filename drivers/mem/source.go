package mem

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// source is one handle's view of one store.
type source struct {
	handle *Queue
	broker *broker
	store  *store
}

// Receive leases messages; see [driver.Source]. A receiver that waits is served
// in the order of arrival, and one whose context ends leaves nothing leased.
func (s *source) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	return s.store.receive(ctx, s.handle, opts)
}

// Extend moves the end of each lease to hold from now. LeaseLost for a lease
// that has ended; InvalidArgument past 12 hours from its receive.
func (s *source) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if len(leases) == 0 {
		return nil
	}
	b := s.broker
	err := s.handle.check(ctx, b.ops.extend, len(leases))
	if err == nil {
		if hold == 0 {
			hold = b.options.Hold
		}
		err = driver.CheckHold(b.ops.extend, &b.capabilities, hold)
	}
	if err != nil {
		return driver.FailExtend(len(leases), err)
	}
	hold = driver.RoundUp(&b.capabilities, hold)

	results := make([]driver.ExtendResult, len(leases))
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s.store.advance(now)
	var own *lease
	for i := range leases {
		e, err := s.held(b.ops.extend, leases[i], &own)
		if err == nil {
			err = driver.CheckTotal(b.ops.extend, &b.capabilities, leases[i], hold, now)
		}
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i].Expires = now.Add(hold)
		s.store.wait(e, b.since(results[i].Expires))
	}
	s.store.serve(now)
	return results
}

// Settle ends leases; see [driver.Source]. LeaseLost for a lease that has ended.
func (s *source) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if len(batch) == 0 {
		return nil
	}
	b := s.broker
	if err := s.handle.check(ctx, b.ops.settle, len(batch)); err != nil {
		return driver.FailSettle(len(batch), err)
	}
	errs := make([]error, len(batch))
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s.store.advance(now)
	var own *lease
	for i := range batch {
		errs[i] = s.settle(&batch[i], &own, now)
	}
	b.live.serve(now)
	b.dead.serve(now)
	return errs
}

// settle does one settlement. The caller holds mu.
func (s *source) settle(v *driver.Settlement, own **lease, now time.Time) error {
	b := s.broker
	if err := driver.CheckSettlement(b.ops.settle, &b.capabilities, v, s.store == &b.dead); err != nil {
		return err
	}
	e, err := s.held(b.ops.settle, v.Lease, own)
	if err != nil {
		return err
	}
	switch v.Verdict {
	case driver.Ack:
		s.store.drop(e)
	case driver.Release:
		var at time.Duration
		if v.Delay > 0 {
			d := driver.RoundUp(&b.capabilities, v.Delay)
			if err := driver.CheckTotal(b.ops.settle, &b.capabilities, v.Lease, d, now); err != nil {
				return err
			}
			at = b.since(now) + d
		}
		s.store.hide(e, at, now)
	case driver.Bury:
		if b.options.NoDeadLetter {
			return driver.Errorf(driver.NotFound, b.ops.settle, "bury: the queue has no dead letter; open it with one")
		}
		b.bury(e, driver.DeadCopy(*v, b.name, now), now)
	case driver.Redrive:
		b.dead.drop(e)
		m := driver.LiveCopy(e.content.message(b.start))
		b.store(&b.live, &entry{content: contentOf(&m)}, now, 0)
	}
	return nil
}

// held is the entry that l holds; own is where to put our part of l. The caller
// holds mu.
func (s *source) held(op string, l driver.Lease, own **lease) (*entry, error) {
	if l == nil || !l.As(own) || (*own).store != s.store {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the lease is not one of this queue")
	}
	e := (*own).entry
	if e.current != *own {
		return nil, driver.Errorf(driver.LeaseLost, op, "the lease has expired or was settled")
	}
	return e, nil
}
