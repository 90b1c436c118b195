package runtime

import (
	"context"
	"errors"
	"log/slog"
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

// decide hands a delivery, whose handler has ended, to be settled or kept.
func (l *lane) decide(h *held, d Decision) {
	l.mu.Lock()
	defer l.unlock()
	now := l.now()
	wasLost := h.state == lost && h.next == nil // else it has come again
	if d.Action == Nothing && !wasLost {
		// The lease was lost and the message has come here again.
		d.Action, d.Settlement = Settle, driver.Settlement{Verdict: driver.Release}
	}
	if d.Action != Nothing {
		d.Settlement.Lease = h.lease
	}
	h.ends = nil
	if d.Action >= park {
		if !wasLost && !l.worker.draining.Load() {
			l.park(h, d, now)
			return
		}
		if d.Settlement.Verdict = driver.Release; d.Action == queueUp {
			d.Settlement.Delay = 0
		}
		d.Action, d.Settlement.Delay = Settle, h.hideable(d.Settlement.Delay)
	}
	l.worker.pending.Add(1)
	h.state, h.decision = decided, d
	l.settleFrom(h, now)
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

// settleFrom has h settled from now on, until SettleTimeout. The caller holds mu.
func (l *lane) settleFrom(h *held, now time.Duration) {
	h.settleAt, h.settleEnd = now, now+l.worker.options.SettleTimeout
}

// enqueueSettle puts h, which is out of the book, in line for a settler. An idle
// queue's settle goes out at once, and a batch is what came together while other
// calls were under way or a settler lingered. The caller holds mu.
func (l *lane) enqueueSettle(h *held) {
	l.toSettle = append(l.toSettle, h)
	l.linger.came++
	full := len(l.toSettle) >= l.fullBatch()
	switch {
	case l.linger.lingering:
		if full {
			l.linger.lingering = false
			select {
			case l.linger.filled <- struct{}{}:
			default: // said already
			}
		}
	case l.settlers == 0:
		l.settlesMoved = l.now()
		fallthrough
	case l.settlers < maxSettlers && full:
		l.settlers++
		l.calls.Go(l.settle)
	default:
		l.arm(l.settlesMoved + l.patience())
	}
}

// patience is how long settles wait in line behind a call that does not return
// before another settler takes them: their leases are not extended meanwhile.
func (l *lane) patience() time.Duration { return min(time.Second, l.hold/10) }

// helpSettlers starts another settler when those that there are hang. It says
// when to look again, if there is anything to look for. The caller holds mu.
func (l *lane) helpSettlers(now time.Duration) (at time.Duration, waits bool) {
	if len(l.toSettle) == 0 || l.settlers >= maxSettlers {
		return 0, false
	}
	if l.settlesMoved+l.patience() <= now {
		l.settlesMoved = now
		l.settlers++
		l.calls.Go(l.settle)
	}
	return l.settlesMoved + l.patience(), true
}

// settle is a settler: it settles what is decided, batch by batch.
func (l *lane) settle() {
	for {
		batch := l.nextSettles()
		if len(batch) == 0 {
			return
		}
		ctx, cancel := l.within(settleCallTime)
		began := l.now()
		var span settling
		errs := l.settleBatch(span.begin(ctx, l.signals, batch), batch, began)
		span.end(errs)
		took := l.now() - began
		cancel()
		l.mu.Lock()
		l.linger.tookCall(took)
		now := began + took
		l.ended = make([]ending, 0, len(batch))
		for i, h := range batch {
			l.settled(h, errs[i], now)
		}
		l.unlock()
	}
}

// settleBatch settles a batch, and then those whose copy is to be sent before, which it
// puts last: a send that hangs must not hold up the others.
func (l *lane) settleBatch(ctx context.Context, batch []*held, now time.Duration) []error {
	if !slices.ContainsFunc(batch, (*held).wantsCopy) {
		return l.settleSome(ctx, batch, nil, now)
	}
	copying := slices.DeleteFunc(slices.Clone(batch), func(h *held) bool { return !h.wantsCopy() })
	others := slices.DeleteFunc(batch, (*held).wantsCopy)
	copy(batch[len(others):], copying)
	var errs []error
	if len(others) > 0 {
		errs = l.settleSome(ctx, others, nil, now)
	}
	sent := l.sendCopies(ctx, copying)
	return append(errs, l.settleSome(ctx, copying, sent, l.now())...)
}

// settleSome does the settlements of those of batch that have no error yet; errs is
// nil for none. A lease that ran out while it waited is not touched, but for an Ack.
func (l *lane) settleSome(ctx context.Context, batch []*held, errs []error, now time.Duration) []error {
	settlements := make([]driver.Settlement, 0, len(batch))
	for i, h := range batch {
		switch {
		case errs != nil && errs[i] != nil:
		case h.expires <= now && h.decision.Settlement.Verdict != driver.Ack && !h.ackOnly:
			if errs == nil {
				errs = make([]error, len(batch))
			}
			errs[i] = errExpired
		default:
			h.tries++
			settlements = append(settlements, h.settlement())
		}
	}
	settled := l.queue.Driver.Settle(ctx, settlements)
	if errs == nil {
		errs = settled
	} else {
		for i := range errs {
			if errs[i] == nil {
				errs[i], settled = settled[0], settled[1:]
			}
		}
	}
	for i, h := range batch {
		if errs[i] != nil && h.copied {
			l.withdraw(ctx, h, errs[i])
		}
	}
	return errs
}

// nextSettles takes a batch of what is to be settled; an empty one ends the
// settler.
func (l *lane) nextSettles() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.linger.measure(now)
	if l.awaitBatch() {
		now = l.now()
	}
	n := min(len(l.toSettle), l.queue.capabilities.MaxSettleBatch)
	if n == 0 || l.linger.lingering { // the one that lingers takes what there is
		if n == 0 {
			l.toSettle = nil
		}
		l.settlers--
		return nil
	}
	batch := l.toSettle[:n:n]
	l.toSettle = l.toSettle[n:]
	l.settlesMoved = now
	for _, h := range batch {
		h.settling = true
	}
	return batch
}

// settled takes in the result of a settle. The caller holds mu.
func (l *lane) settled(h *held, err error, now time.Duration) {
	h.settling = false
	s := &h.decision.Settlement
	switch {
	case err == nil:
	case driver.Is(err, driver.LeaseLost):
		if h.next == nil && !h.ackOnly {
			l.countLoss(h)
		}
	default:
		l.signals.unsettled(s.Verdict)
	}
	switch {
	case h.next != nil && err == nil && s.Verdict == driver.Release && l.since(h.next.Received()) >= h.settleAt+s.Delay && !l.abandoned:
		// It came because it was released: what it is leased for is another run.
		lease := h.next
		l.finish(h, nil)
		l.worker.schedule.force(l.share, 1)
		m := lease.Message()
		again := &held{gate: h.gate}
		if l.admit(again, lease, &m) {
			l.offer(again)
		}
		return
	case h.next != nil && !l.abandoned:
		// What came again is to be settled as well: the broker may have taken the
		// older lease's settle for that of nobody.
		h.ackOnly = h.ackOnly || err == nil && s.Verdict == driver.Bury
		l.adopt(h, h.next)
		l.enqueueSettle(h)
		return
	case h.ackOnly && driver.Is(err, driver.LeaseLost): // it went with the settle of the older lease
		l.finish(h, nil)
		return
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
		tries, verdict := h.settles, s.Verdict.String()
		l.say(func(log *slog.Logger) {
			log.Warn("settling failed; trying again", "message", h.id, "verdict", verdict, "try", tries, "error", err)
		})
		if !h.late && !h.roomless {
			h.late = true
			l.worker.schedule.settlesLate(l.share, 1)
		}
		h.settleAt = now + wait
		h.extendAt = min(h.extendAt, h.expires-l.hold/3)
		l.note(h)
	}
}
