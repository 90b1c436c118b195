package runtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// maxSettlers is how many Settle calls of a queue are under way at once.
	maxSettlers = 16
	// settleCallTime bounds one Settle call.
	settleCallTime = 10 * time.Second
)

var (
	errExpired   = driver.Errorf(driver.LeaseLost, "", "the lease ran out")
	errAbandoned = errors.New("the worker ended before the queue had taken it")
)

// decide hands a delivery, whose handler has ended, to be settled.
func (l *lane) decide(h *held, d Decision) {
	l.worker.pending.Add(1)
	l.mu.Lock()
	defer l.unlock()
	now := l.now()
	wasLost := h.state == lost
	h.state, h.cancel, h.decision = decided, nil, d
	h.settleAt, h.settleEnd = now, now+l.worker.options.SettleTimeout
	if wasLost {
		h.settleEnd = now // one try
	}
	switch {
	case l.abandoned:
		l.book.Remove(h)
		l.finish(h, errAbandoned)
	case d.Action == Nothing, wasLost && (d.Action != Settle || d.Settlement.Verdict != driver.Ack):
		l.book.Remove(h)
		l.finish(h, ErrLeaseLost)
	case h.extending:
		// The extender hands it on when its call has ended.
	default:
		l.book.Remove(h)
		l.enqueueSettle(h)
	}
}

// enqueueSettle puts h, which is out of the book, in line for a settler. There
// is no linger: an idle queue's settle goes out at once, and a batch is what
// came together while other calls were under way. The caller holds mu.
func (l *lane) enqueueSettle(h *held) {
	l.toSettle = append(l.toSettle, h)
	if l.settlers == 0 || l.settlers < maxSettlers && len(l.toSettle) >= l.queue.capabilities.MaxSettleBatch {
		l.settlers++
		l.calls.Go(l.settle)
	}
}

// settle is a settler: it settles what is decided, batch by batch.
func (l *lane) settle() {
	for {
		batch := l.nextSettles()
		if len(batch) == 0 {
			return
		}
		ctx, cancel := l.within(settleCallTime)
		errs := l.settleBatch(ctx, batch)
		cancel()
		l.mu.Lock()
		l.ended = make([]ending, 0, len(batch))
		for i, h := range batch {
			l.settled(h, errs[i])
		}
		l.unlock()
	}
}

// settleBatch sends the copies of a batch, then does the settlements of those
// whose copy is sent or that have none. A lease that ran out while it waited is
// not touched, but for an Ack.
func (l *lane) settleBatch(ctx context.Context, batch []*held) []error {
	var errs []error
	if slices.ContainsFunc(batch, (*held).wantsCopy) {
		errs = l.sendCopies(ctx, batch)
	}
	settlements := make([]driver.Settlement, 0, len(batch))
	now := l.now()
	for i, h := range batch {
		switch {
		case errs != nil && errs[i] != nil:
		case h.expires <= now && h.decision.Settlement.Verdict != driver.Ack:
			if errs == nil {
				errs = make([]error, len(batch))
			}
			errs[i] = errExpired
		default:
			settlements = append(settlements, h.decision.Settlement)
		}
	}
	settled := l.queue.Driver.Settle(ctx, settlements)
	if errs == nil {
		return settled
	}
	for i := range errs {
		if errs[i] == nil {
			errs[i], settled = settled[0], settled[1:]
		}
	}
	return errs
}

// nextSettles takes a batch of what is to be settled; an empty one ends the
// settler.
func (l *lane) nextSettles() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.toSettle), l.queue.capabilities.MaxSettleBatch)
	if n == 0 {
		l.toSettle = nil
		l.settlers--
		return nil
	}
	batch := l.toSettle[:n:n]
	l.toSettle = l.toSettle[n:]
	return batch
}

// settled takes in the result of a settle. The caller holds mu.
func (l *lane) settled(h *held, err error) {
	now := l.now()
	s := &h.decision.Settlement
	switch {
	case err == nil || driver.Is(err, driver.LeaseLost):
		l.finish(h, err)
		return
	case driver.Is(err, driver.TooLarge) && s.Verdict == driver.Bury && s.Detail != "":
		s.Detail = ""
		l.enqueueSettle(h)
		return
	case !driver.Retryable(err):
		l.finish(h, err)
		return
	}
	h.settles++
	wait := max(callBackoff(h.settles, h.id), retryAfter(err))
	switch {
	case l.abandoned:
		l.finish(h, errors.Join(errAbandoned, err))
	case now+wait > h.settleEnd || now >= h.expires:
		l.finish(h, err)
	default:
		l.logger.Warn("settling failed; trying again", "message", h.id, "verdict", s.Verdict.String(), "try", h.settles, "error", err)
		h.settleAt = now + wait
		h.extendAt = min(h.extendAt, h.expires-l.hold/3)
		l.note(h)
	}
}
