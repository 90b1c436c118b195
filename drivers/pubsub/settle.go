package pubsub

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// Settle ends leases, see [driver.Source]: what is acked is acknowledged, then the ack
// deadlines of what is released are set, those with the same delay together.
// Meanwhile, or on an ordered queue before, the copies of Bury and Redrive are
// published, then those acknowledged.
//
// LeaseLost for a lease that was settled or is past its end, but for an Ack, and
// where Pub/Sub says so; NotFound for a Bury without a dead letter; TooLarge for one
// that has no room for the death record; Unsupported for the Ack or Release of a
// pushed message.
func (s *source) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if len(batch) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.settle
	if err := q.gate.Begin(ctx, op, len(batch), maxIDs); err != nil {
		return driver.FailSettle(len(batch), err)
	}
	defer q.gate.Leave()
	if s.isDead() {
		if err := s.there(ctx, op); err != nil {
			return driver.FailSettle(len(batch), err)
		}
	}
	w := s.work(op, len(batch), func(i int) driver.Lease { return batch[i].Lease })
	w.Check = func(i int) error { return driver.CheckSettlement(op, &q.capabilities, &batch[i], s.isDead()) }
	w.Late = func(i int) claims.Lateness { return q.lateness(batch[i].Verdict) }
	w.Do(ctx, func(claimed []claim) {
		s.settle(ctx, op, batch, claimed, w.Errs)
		for _, c := range claimed {
			err := w.Errs[c.Index]
			c.Lease.State().Free(err == nil || driver.Is(err, driver.LeaseLost))
		}
	})
	return w.Errs
}

// lateness is how far past its end a lease may be for a verdict. An ack is harmless,
// and saves a run where the message has not been delivered again; with exactly-once
// delivery it is of no use once the broker has ended the lease.
func (q *Queue) lateness(v driver.Verdict) claims.Lateness {
	switch {
	case v != driver.Ack:
		return claims.Never
	case q.options.ExactlyOnce:
		return claims.UntilOver
	}
	return claims.Always
}

// settle settles claimed leases and sets the errors of those that fail.
func (s *source) settle(ctx context.Context, op string, batch []driver.Settlement, claimed []claim, errs []error) {
	var moves, acks []claim
	var delays []time.Duration // in the order in which they appear
	var released map[time.Duration][]claim
	for _, c := range claimed {
		switch v := &batch[c.Index]; v.Verdict {
		case driver.Release:
			delay := driver.RoundUp(&s.queue.capabilities, v.Delay)
			if released == nil {
				released = make(map[time.Duration][]claim)
			}
			if released[delay] == nil {
				delays = append(delays, delay)
			}
			released[delay] = append(released[delay], c)
		case driver.Bury, driver.Redrive:
			moves = append(moves, c)
		default:
			if acks == nil {
				acks = make([]claim, 0, len(claimed))
			}
			acks = append(acks, c)
		}
	}
	var moving sync.WaitGroup
	if len(moves) > 0 {
		moving.Go(func() { s.move(ctx, op, batch, moves, errs) })
		if s.queue.capabilities.Ordered {
			moving.Wait() // a head goes before those behind it
		}
	}
	if len(acks) > 0 {
		s.acknowledge(ctx, op, acks, errs)
	}
	s.release(ctx, op, delays, released, errs)
	moving.Wait()
}

// move publishes the copies of what is buried or redriven, then acks it.
func (s *source) move(ctx context.Context, op string, batch []driver.Settlement, moves []claim, errs []error) {
	s.sendCopies(ctx, op, batch, moves, errs)
	acks := slices.DeleteFunc(moves, func(c claim) bool { // of a pushed message the answer is the ack
		return c.Lease.handle == "" && c.Lease.copied && errs[c.Index] == nil
	})
	s.acknowledge(ctx, op, acks, errs)
}

// release makes a request for each delay, in their order on an ordered queue: a head
// that waits goes before those behind it.
func (s *source) release(ctx context.Context, op string, delays []time.Duration, released map[time.Duration][]claim, errs []error) {
	most := maxConcurrent
	if s.queue.capabilities.Ordered {
		most = 1
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, most)
	var hung atomic.Pointer[error] // a request had no answer in time: no other is begun
	for _, delay := range delays {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			claims := released[delay]
			if err := hung.Load(); err != nil {
				for _, c := range claims {
					errs[c.Index] = *err
				}
				return
			}
			s.modify(ctx, op, delay, claims, errs)
			if err := errs[claims[0].Index]; timedOut(err) {
				hung.Store(&err)
			}
		})
	}
	running.Wait()
}
