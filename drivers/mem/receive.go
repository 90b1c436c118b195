package mem

import (
	"context"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// receiver is a Receive that waits. Whoever takes it off the store's list, with
// the broker's mu held, sends to it exactly once.
type receiver struct {
	handle *Queue
	limit  int
	hold   time.Duration
	served chan served // capacity 1, never closed
}

type served struct {
	leases []driver.Lease
	closed bool
}

func (s *store) receive(ctx context.Context, handle *Queue, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	b := s.broker
	if err := handle.check(ctx, b.ops.receive, 1); err != nil {
		return nil, err
	}
	if err := driver.CheckReceive(b.ops.receive, &b.capabilities, opts); err != nil {
		return nil, err
	}
	hold := b.options.Hold
	if opts.Hold != 0 {
		hold = driver.RoundUp(&b.capabilities, opts.Hold)
	}

	b.mu.Lock()
	now := time.Now()
	s.advance(now)
	leases := s.take(opts.Max, hold, now)
	if len(leases) > 0 || opts.Wait == 0 {
		b.mu.Unlock()
		return leases, nil
	}
	if handle.closed.Load() { // else nobody would wake the receiver
		b.mu.Unlock()
		return nil, driver.Errorf(driver.Closed, b.ops.receive, "the queue is closed")
	}
	r := &receiver{handle, opts.Max, hold, make(chan served, 1)}
	s.receivers = append(s.receivers, r)
	s.arm(now)
	b.mu.Unlock()

	end := time.NewTimer(opts.Wait)
	defer end.Stop()
	select {
	case got := <-r.served:
		return got.answer(b)
	case <-end.C:
	case <-ctx.Done():
	}
	if got, ok := s.withdraw(r); ok {
		return got.answer(b) // served in the same moment: nothing may be lost
	}
	if ctx.Err() != nil {
		return nil, driver.ContextError(ctx, b.ops.receive)
	}
	return nil, nil
}

func (g served) answer(b *broker) ([]driver.Lease, error) {
	if g.closed {
		return nil, driver.Errorf(driver.Closed, b.ops.receive, "the queue was closed")
	}
	return g.leases, nil
}

// withdraw takes r off the list, or returns what it was served in the meantime.
func (s *store) withdraw(r *receiver) (served, bool) {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	if i := slices.Index(s.receivers, r); i >= 0 {
		s.receivers = slices.Delete(s.receivers, i, i+1)
		return served{}, false
	}
	return <-r.served, true
}

// serve hands what is visible to receivers that wait. The caller holds mu.
func (s *store) serve(now time.Time) {
	for len(s.receivers) > 0 {
		r := s.receivers[0]
		leases := s.take(r.limit, r.hold, now)
		if len(leases) == 0 {
			break
		}
		s.receivers = slices.Delete(s.receivers, 0, 1)
		r.served <- served{leases: leases}
	}
	s.arm(now)
}

// dismiss wakes the receivers of a handle that is closed. The caller holds mu.
func (s *store) dismiss(handle *Queue) {
	s.receivers = slices.DeleteFunc(s.receivers, func(r *receiver) bool {
		if r.handle != handle {
			return false
		}
		r.served <- served{closed: true}
		return true
	})
}

// arm sets the timer for the next entry to become visible, when somebody waits
// for it. The caller holds mu.
func (s *store) arm(now time.Time) {
	next, ok := s.later.Next()
	if !ok || len(s.receivers) == 0 || s.stopped || s.armed && s.armedAt <= next {
		return
	}
	s.armed, s.armedAt = true, next
	wait := next - s.broker.since(now)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.wake)
		return
	}
	s.timer.Reset(wait)
}

// wake runs when the timer fires.
func (s *store) wake() {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	if s.stopped {
		return
	}
	s.armed = false
	now := time.Now()
	s.advance(now)
	s.serve(now)
}

// stop ends the timer for good. The caller holds mu.
func (s *store) stop() {
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}
