package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

// shortest is the least that a Receive waits: there is no other way to ask Service Bus
// for what is there than to wait for it for longer than a round trip takes.
const shortest = 100 * time.Millisecond

// Receive leases messages, see [driver.Source]. A wait below 100 ms is that. Nothing is
// stranded when ctx ends first: what comes all the same goes to the next Receive, or
// back to the broker.
//
// NotFound when the queue does not exist; PermissionDenied without the right Listen,
// and when the queue's lock duration may not be read and is not declared;
// InvalidArgument when the queue requires sessions and the URL does not say so;
// Throttled; Unavailable.
func (s *source) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	q := s.queue
	op := q.ops.receive
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return nil, err
	}
	defer q.gate.Leave()
	if err := driver.CheckReceive(op, &q.capabilities, opts); err != nil {
		return nil, err
	}
	if err := q.checkHold(ctx, op, opts.Hold); err != nil {
		return nil, err
	}
	if !s.inSessions() {
		if err := s.line.there(ctx, op); err != nil {
			return nil, err
		}
	}
	w, got := s.desk.wait(opts.Max)
	s.start()
	if w == nil {
		return s.arrived(got)
	}
	timer := time.NewTimer(max(opts.Wait, shortest))
	defer timer.Stop()
	var err error
	select {
	case a := <-w.answer:
		got, err = a.leases, a.err
	case <-timer.C:
		a := s.desk.leave(w)
		got, err = a.leases, a.err
	case <-ctx.Done():
		a := s.desk.leave(w)
		got, err = a.leases, a.err
		if len(got) == 0 {
			err = driver.ContextError(ctx, op)
		}
	case <-q.gate.Done():
		got = s.desk.leave(w).leases
	}
	if err != nil {
		return nil, err
	}
	return s.arrived(got)
}

// arrived makes leases of a driver's own. Once the queue is closing it gives them back,
// as nobody can settle them any more.
func (s *source) arrived(got []*lease) ([]driver.Lease, error) {
	if s.queue.gate.Closing() {
		s.giveBack(got)
		return nil, driver.Errorf(driver.Closed, s.queue.ops.receive, "the queue was closed")
	}
	if len(got) == 0 {
		return nil, nil
	}
	leases := make([]driver.Lease, len(got))
	for i, l := range got {
		leases[i] = l
	}
	return leases, nil
}

// leases makes leases of received messages.
func (s *source) leases(got []*azservicebus.ReceivedMessage, via settler, broken <-chan struct{}, received time.Time) []*lease {
	all := make([]lease, len(got))
	leases := make([]*lease, len(got))
	for i, m := range got {
		l := &all[i]
		leases[i] = l
		l.via, l.broken = via, broken
		s.fill(l, m, received)
		hold := s.queue.lockOf(m.LockedUntil, m.EnqueuedTime)
		end, over := received.Add(hold-margin(hold)), received.Add(hold)
		if m.LockedUntil != nil {
			late := s.queue.drift.late(received, *m.LockedUntil, hold)
			end = end.Add(-late)
		}
		l.last(end, over)
	}
	return leases
}

// fill sets what a lease says of its message.
func (s *source) fill(l *lease, m *azservicebus.ReceivedMessage, received time.Time) {
	l.source, l.native, l.received = s, m, received
	l.attempt = int(m.DeliveryCount)
	to := &l.message
	to.Body = bodyOf(m)
	if m.EnqueuedTime != nil {
		to.SentAt = *m.EnqueuedTime
	}
	s.unpack(l)
}

// giveBack releases what nobody asks for any more. What it cannot release comes back
// when its lock runs out.
func (s *source) giveBack(leases []*lease) {
	if len(leases) == 0 {
		return
	}
	if s.inSessions() {
		for _, l := range leases {
			l.session.drop() // with its session closed the message is free
			l.free(true)
		}
		return
	}
	op := s.queue.ops.receive
	batch := make([]driver.Settlement, len(leases))
	claimed := make([]claim, len(leases))
	for i, l := range leases {
		batch[i] = driver.Settlement{Lease: l, Verdict: driver.Release}
		claimed[i] = claim{Index: i, Lease: l}
	}
	s.settle(context.Background(), op, batch, claimed, make([]error, len(leases)))
}
