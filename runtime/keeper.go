package runtime

import (
	"log/slog"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// maxExtenders is how many Extend calls of a queue are under way at once.
	maxExtenders = 8
	// minCallTime is the least time that a call to a broker gets.
	minCallTime = time.Second
)

// keep is the keeper: it extends leases, gives up those that ran out, and lets
// settles be tried again, each when it is due. It returns when the lane is
// stopped and its calls have ended.
func (l *lane) keep() {
	defer l.calls.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if wait, ok := l.tick(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-l.wake:
		case <-l.stopped:
			return
		}
	}
}

// tick does what is due and says how long it is until the next.
func (l *lane) tick() (time.Duration, bool) {
	l.mu.Lock()
	defer l.unlock()
	now := l.now()
	for {
		h, ok := l.book.Due(now)
		if !ok {
			break
		}
		l.attend(h, now)
	}
	if len(l.toExtend) > 0 {
		l.fillBatch(now + l.hold/50)
	}
	l.startExtenders()
	l.armed = 0
	next, ok := l.book.Next()
	if at, waits := l.helpSettlers(now); waits && (!ok || at < next) {
		next, ok = at, true
	}
	if !ok {
		return 0, false
	}
	l.armed = next
	return max(0, next-now), true
}

// fillBatch lets what is to be extended until soon join what is now. The caller
// holds mu.
func (l *lane) fillBatch(soon time.Duration) {
	for l.book.Len() > 0 {
		h, at := l.book.Min()
		if at > soon || at != h.extendAt || at == h.expires {
			return
		}
		l.book.Remove(h)
		l.wantExtend(h)
	}
}

// attend does what is due for h, which was just taken from the book. The caller
// holds mu.
func (l *lane) attend(h *held, now time.Duration) {
	switch {
	case h.expires <= now:
		l.lose(h, errExpired)
	case h.extending:
		l.note(h)
	case h.state == decided && h.settleAt <= now:
		l.enqueueSettle(h)
	case h.kept() && h.resumeAt <= now:
		l.resume(h)
	default:
		l.wantExtend(h)
	}
}

// wantExtend puts h in line for an extender. Until that is done its place in the
// book is its end. The caller holds mu.
func (l *lane) wantExtend(h *held) {
	h.extendAt = h.expires
	l.note(h)
	l.toExtend = append(l.toExtend, h)
}

// lose gives up a lease. The caller holds mu.
func (l *lane) lose(h *held, why error) {
	l.countLoss(h)
	l.book.Remove(h)
	before := h.state
	h.state = lost
	switch before {
	case running:
		l.note(h) // until its handler has returned
		l.say(func(log *slog.Logger) { log.Warn("lease lost while the handler runs", "message", h.id, "error", why) })
		if h.ends != nil {
			h.ends.because(ErrLeaseLost)
		}
		l.desert(h)
	case decided:
		if h.settles == 0 && h.decision.Settlement.Verdict == driver.Ack {
			// It waits for its first try: one is made, as after a loss while the
			// handler runs.
			h.state, h.settleEnd = decided, 0
			return
		}
		l.finish(h, why)
	case parked, snoozed, lining:
		l.worker.pending.Add(1)
		l.finish(h, why)
	}
}

// countLoss counts that the lease of h is lost, once. The caller holds mu.
func (l *lane) countLoss(h *held) {
	if l.signals != nil && !h.lossTold {
		h.lossTold = true
		l.signals.lost.Add(1)
	}
}

// startExtenders starts as many extenders as there is work for. The caller holds
// mu.
func (l *lane) startExtenders() {
	for l.extenders < maxExtenders {
		batch, leases := l.nextExtends()
		if len(batch) == 0 {
			return
		}
		l.extenders++
		l.calls.Go(func() { l.extend(batch, leases) })
	}
}

// extend is an extender: it extends a batch, then what else is to be extended. It
// takes mu once a batch: where many handlers start or return, that is a long wait.
func (l *lane) extend(batch []*held, leases []driver.Lease) {
	for len(batch) > 0 {
		start := l.now()
		ctx, cancel := l.within(max(minCallTime, l.hold/3))
		results := l.queue.Driver.Extend(ctx, leases, l.ask)
		cancel()
		batch, leases = l.extendedBatch(batch, results, start)
	}
}

// extendedBatch takes in the results of an Extend that began at start, and takes
// the next batch; an empty one ends the extender.
func (l *lane) extendedBatch(batch []*held, results []driver.ExtendResult, start time.Duration) (next []*held, leases []driver.Lease) {
	l.mu.Lock()
	defer l.unlock()
	now := l.now()
	l.signals.extendedSome(results)
	for i, h := range batch {
		l.extended(h, results[i], start, now)
	}
	if next, leases = l.nextExtends(); len(next) == 0 {
		l.extenders--
	}
	return next, leases
}

// nextExtends takes a batch of what is to be extended, if anything is. The caller
// holds mu.
func (l *lane) nextExtends() (batch []*held, leases []driver.Lease) {
	limit := min(l.queue.capabilities.MaxSettleBatch, len(l.toExtend))
	if limit == 0 {
		return nil, nil
	}
	batch, leases = make([]*held, 0, limit), make([]driver.Lease, 0, limit)
	for len(l.toExtend) > 0 && len(batch) < limit {
		h := l.toExtend[0]
		l.toExtend = l.toExtend[1:]
		if h.state == lost || h.extending || !h.In() {
			continue // or its settle has begun
		}
		h.extending = true
		batch, leases = append(batch, h), append(leases, h.lease)
	}
	if len(l.toExtend) == 0 {
		l.toExtend = nil
	}
	return batch, leases
}

// extended takes in the result of an Extend that began at start and ended now. The
// caller holds mu.
func (l *lane) extended(h *held, r driver.ExtendResult, start, now time.Duration) {
	h.extending = false
	switch {
	case h.next != nil && l.byID[h.id] == h:
		l.adopt(h, h.next)
	case h.state == lost:
		return // the broker answered after the end; the handler was told
	case r.Err == nil:
		h.expires = l.since(r.Expires)
		h.extendAt = start + l.third(h.expires-start, start)
	case driver.Is(r.Err, driver.LeaseLost):
		if l.lose(h, r.Err); h.state != decided {
			return
		}
	case l.abandoned:
	case driver.Retryable(r.Err):
		l.say(func(log *slog.Logger) {
			log.Warn("extending a lease failed; trying again", "message", h.id, "error", r.Err)
		})
		run := min(l.hold, h.expires-l.since(h.lease.Received())) // the lease may be shorter than asked for
		h.extendAt = now + max(run/24, retryAfter(r.Err))
	default:
		l.say(func(log *slog.Logger) {
			log.Warn("a lease cannot be extended; it will run out", "message", h.id, "error", r.Err)
		})
		h.extendAt = h.expires
	}
	switch {
	case h.state == decided && l.abandoned:
		l.book.Remove(h)
		l.finish(h, errAbandoned)
	case h.state == decided && h.settleAt <= now:
		l.book.Remove(h)
		l.enqueueSettle(h)
	default:
		l.note(h)
	}
}
