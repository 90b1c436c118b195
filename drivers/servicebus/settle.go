package servicebus

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// settler is what a message is settled by: a receiver, with a session or without.
type settler interface {
	CompleteMessage(ctx context.Context, m *azservicebus.ReceivedMessage, o *azservicebus.CompleteMessageOptions) error
	AbandonMessage(ctx context.Context, m *azservicebus.ReceivedMessage, o *azservicebus.AbandonMessageOptions) error
	DeadLetterMessage(ctx context.Context, m *azservicebus.ReceivedMessage, o *azservicebus.DeadLetterOptions) error
}

// settleTry is how long the first try of a settle may take. On a connection that is
// gone the client library tries again and again on the link that is gone with it, for
// longer than a lock lasts, so that only time tells.
const settleTry = 3 * time.Second

// Settle ends leases, see [driver.Source]: an Ack completes the message, a Release
// abandons it, a Bury dead-letters it, each by a request of its own, 64 at a time. The
// copies of what is redriven are sent before. A request goes by the link that the
// message came by, and where that is gone, once more by the message's lock token.
//
// LeaseLost for a lease that was settled or, but for an Ack, is past its end, and where
// Service Bus says so. Where it says so after a link was lost it is Unavailable the first
// time: the settle may have taken effect, and only its answer was lost. Unsupported for a Release with a delay.
func (s *source) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if len(batch) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.settle
	if err := q.gate.Begin(ctx, op, len(batch), maxBatch); err != nil {
		return driver.FailSettle(len(batch), err)
	}
	defer q.gate.Leave()
	w := s.work(op, len(batch), func(i int) driver.Lease { return batch[i].Lease })
	w.Check = func(i int) error { return driver.CheckSettlement(op, &q.capabilities, &batch[i], s.isDead()) }
	w.Late = func(i int) claims.Lateness {
		switch {
		case batch[i].Verdict != driver.Ack:
			return claims.Never
		case s.inSessions():
			return claims.UntilOver // after that the client library would accept the session again for it
		}
		return claims.Always // Service Bus knows; it saves a run where the lock still lasts
	}
	w.Do(ctx, func(claimed []claim) { s.settle(ctx, op, batch, claimed, w.Errs) })
	return w.Errs
}

// settle settles claimed leases, sets the errors of those that fail, and frees them.
func (s *source) settle(ctx context.Context, op string, batch []driver.Settlement, claimed []claim, errs []error) {
	if s.isDead() && s.desk.isIdle() && slices.ContainsFunc(batch, func(v driver.Settlement) bool { return v.Verdict == driver.Release }) {
		s.line.drop(ctx)
	}
	acts := make([]act, len(batch)) // by item
	var moves []claim
	for _, c := range claimed {
		v := &batch[c.Index]
		var err error
		if acts[c.Index], err = s.actOf(op, v, c.Lease); err != nil {
			errs[c.Index] = err
		}
		if v.Verdict == driver.Redrive {
			moves = append(moves, c)
		}
	}
	if len(moves) > 0 {
		s.sendCopies(ctx, op, moves, errs)
	}
	s.each(ctx, op, claimed, errs, func(own context.Context, c claim) error {
		return s.settleOne(own, op, c.Lease, acts[c.Index])
	}, func(c claim, err error) {
		c.Lease.free(err == nil || driver.Is(err, driver.LeaseLost))
	})
}

// act is a request that settles a message.
type act func(ctx context.Context, via settler, m *azservicebus.ReceivedMessage) error

func complete(ctx context.Context, via settler, m *azservicebus.ReceivedMessage) error {
	return via.CompleteMessage(ctx, m, nil)
}

func abandon(ctx context.Context, via settler, m *azservicebus.ReceivedMessage) error {
	return via.AbandonMessage(ctx, m, nil)
}

// actOf is the request for a verdict.
func (s *source) actOf(op string, v *driver.Settlement, l *lease) (act, error) {
	switch v.Verdict {
	case driver.Release:
		return abandon, nil
	case driver.Bury:
		return s.bury(op, v, l)
	}
	return complete, nil // an Ack, and a Redrive once its copy is sent
}

// settleOne settles one message. Where a management node says that the lock is lost, an
// earlier request of the same settle may have taken effect, the client library's own
// among them, and only its answer was lost. The runtime would take back the copy that
// stands for the message, and nothing would be left; so the outcome is unknown at first,
// and LeaseLost when it is asked again.
func (s *source) settleOne(ctx context.Context, op string, l *lease, do act) error {
	err := s.trySettle(ctx, op, l, do)
	if err == nil || l.doubted || !isLostByNode(err) {
		return err
	}
	l.doubted = true
	return driver.Errorf(driver.Unavailable, op, "the lock is gone, and whether this settle took effect is not known: %w", err)
}

// isLostByNode says whether err is that a management node does not know a lock.
func isLostByNode(err error) bool {
	e, ok := errors.AsType[*azservicebus.Error](err)
	return ok && e.Code == azservicebus.CodeLockLost && refusal.MatchString(e.Error())
}

// trySettle makes one request, or two.
func (s *source) trySettle(ctx context.Context, op string, l *lease, do act) error {
	if l.session != nil {
		own, cancel := context.WithTimeout(ctx, leasePatience)
		defer cancel()
		m := l.native
		if l.tried {
			m = &azservicebus.ReceivedMessage{LockToken: m.LockToken}
		}
		err := l.session.use(op, func() error { return do(own, l.via, m) })
		l.tried = l.tried || err != nil && s.isUnanswered(err)
		return err
	}
	if !isClosed(l.broken) && !l.tried {
		try, cancel := context.WithTimeout(ctx, settleTry)
		err := do(try, l.via, l.native)
		cancel()
		if err == nil || !s.isUnanswered(err) {
			return err
		}
		l.tried = true // the client library may still wait for its answer
		s.line.lost(l.broken)
	}
	own, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	if err := s.line.ready(own, op); err != nil {
		return err
	}
	r, broken := s.line.link()
	if broken == nil {
		return driver.Errorf(driver.Unavailable, op, "the link broke again")
	}
	try, cancelTry := context.WithTimeout(own, settleTry)
	defer cancelTry()
	return do(try, r, &azservicebus.ReceivedMessage{LockToken: l.native.LockToken})
}

// isUnanswered says whether a request failed without an answer from the service.
func (s *source) isUnanswered(err error) bool {
	code, _ := codeOf(err, actionListen, s.queue.name)
	return code == driver.Unavailable
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
