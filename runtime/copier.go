package runtime

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var errLateConfirm = driver.Errorf(driver.Unavailable, "runtime: send a copy", "extending the lease took more than half of its hold")

// wantsCopy says whether the copy of h's decision is still to be sent.
func (h *held) wantsCopy() bool { return h.decision.Action == CopyThenAck && !h.copied }

// sendCopies sends the copies of a batch that wants them, each after its lease was
// confirmed, with half of its hold left: without that, every worker that lost the
// lease would send another. It answers one error for each of batch; what has one
// keeps its lease and must not be acked.
func (l *lane) sendCopies(ctx context.Context, batch []*held) []error {
	errs := make([]error, len(batch))
	leases := make([]driver.Lease, len(batch))
	for i, h := range batch {
		leases[i] = h.lease
	}
	ask, hold := l.confirmFor(leases)
	confirmed := l.queue.Driver.Extend(ctx, leases, ask)
	l.signals.extendedSome(confirmed)
	var sending []int
	var copies []driver.Message
	l.mu.Lock()
	for i, h := range batch {
		if errs[i] = confirmed[i].Err; errs[i] != nil {
			continue
		}
		h.expires = l.since(confirmed[i].Expires)
		if h.expires-l.now() < hold/2 {
			errs[i] = errLateConfirm
		} else {
			sending, copies = append(sending, i), append(copies, *h.decision.Copy)
		}
	}
	l.mu.Unlock()
	limit := l.queue.capabilities.MaxSendBatch
	for len(copies) > 0 {
		n := min(limit, len(copies))
		for j, r := range l.queue.Driver.Send(ctx, copies[:n]) {
			i := sending[j]
			errs[i], batch[i].copied, batch[i].copyID = r.Err, r.Err == nil, r.ID
		}
		sending, copies = sending[n:], copies[n:]
	}
	return errs
}

// confirmFor is for what hold leases are confirmed, as Extend takes it, and how long
// that is: that of the lane, or what is left of MaxTotalHold to all of them.
func (l *lane) confirmFor(leases []driver.Lease) (ask, hold time.Duration) {
	c := &l.queue.capabilities
	if c.FixedHold || c.MaxTotalHold == driver.Unlimited {
		return l.ask, l.hold
	}
	left := l.hold
	for _, lease := range leases {
		spent := time.Since(lease.Received()) + time.Second // until the driver looks
		left = min(left, c.MaxTotalHold-spent)
	}
	if left == l.hold {
		return l.ask, l.hold
	}
	if c.HoldGrain > 0 {
		left = left.Truncate(c.HoldGrain)
	}
	if left < max(c.MinHold, 1) {
		return l.ask, l.hold // it is refused, and ends soon
	}
	return left, left
}

// withdraw takes back the copy of h, whose lease turned out to be lost at its
// first ack, where the queue can: the message will come again, and with it
// another copy. After an ack without an answer the copy may be all there is.
func (l *lane) withdraw(ctx context.Context, h *held, why error) {
	w, ok := l.queue.Driver.(driver.Withdrawer)
	if !ok || !driver.Is(why, driver.LeaseLost) || h.tries > 1 || h.copyID == "" || h.decision.Copy.Delay == 0 {
		return
	}
	switch err := w.Withdraw(ctx, h.copyID); {
	case driver.Is(err, driver.Unsupported):
		return
	case driver.Is(err, driver.NotFound): // it is on its way
		l.logger.Warn("a copy was sent on a lost lease and could not be withdrawn", "message", h.id, "error", err)
		return
	case err != nil:
		// The copy may be gone, and the message all there is: it must run again.
		l.logger.Warn("a copy was sent on a lost lease and may not have been withdrawn", "message", h.id, "error", err)
	}
	h.copied = false
	h.decision.Copy.SendID = driver.NewSendID() // a broker that remembers the old one would drop the next
}
