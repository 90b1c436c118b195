package servicebus

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Extend renews the locks, each by a request of its own, 64 at a time: Service Bus
// gives a lock its whole duration again from now, and no other. InvalidArgument for a
// hold that is neither 0 nor the queue's lock duration; LeaseLost, without a request,
// for a lease that is past its end or was settled, and where Service Bus says so.
func (s *source) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if len(leases) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.extend
	if err := q.gate.Begin(ctx, op, len(leases), maxBatch); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	defer q.gate.Leave()
	if err := q.checkHold(ctx, op, hold); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	results := make([]driver.ExtendResult, len(leases))
	w := s.work(op, len(leases), func(i int) driver.Lease { return leases[i] })
	w.Do(ctx, func(claimed []claim) {
		ends := make([]time.Time, len(leases)) // by item, each written by its own request
		s.each(ctx, op, claimed, w.Errs, func(own context.Context, c claim) error {
			end, err := s.renew(own, c.Lease)
			ends[c.Index] = end
			return err
		}, func(c claim, err error) {
			c.Lease.renewed(ends[c.Index], err)
		})
		for _, c := range claimed {
			if w.Errs[c.Index] == nil {
				results[c.Index].Expires = ends[c.Index]
			}
		}
	})
	for i, err := range w.Errs {
		results[i].Err = err
	}
	return results
}

// renew renews one lock, and says when it ends at the earliest: what would be its end
// also where the request failed.
func (s *source) renew(ctx context.Context, l *lease) (time.Time, error) {
	q := s.queue
	start := time.Now()
	own, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	hold := q.lock()
	if l.session != nil {
		return l.session.renew(own)
	}
	if err := s.line.ready(own, q.ops.extend); err != nil {
		return start.Add(hold), err
	}
	m := *l.native // the library writes the new end into it
	r, broken := s.line.link()
	err := r.RenewMessageLock(own, &m, nil)
	if err != nil && s.isUnanswered(err) {
		s.line.lost(broken) // or each renewal has the library make links, of which all but one are forgotten
	}
	if err == nil && m.LockedUntil != nil {
		q.drift.late(time.Now(), *m.LockedUntil, hold)
	}
	return start.Add(hold), err
}

// renewed notes what became of an extend that would have the lease end at end.
func (l *lease) renewed(end time.Time, err error) {
	if err == nil {
		l.state.Last(end, time.Now().Add(l.source.queue.lock()))
	} else if driver.OutcomeUnknown(err) {
		l.state.MayEnd(end, time.Now().Add(l.source.queue.lock()))
	}
	l.free(driver.Is(err, driver.LeaseLost))
}
