package runtime

import "time"

// maxRoomless is how many leases a worker keeps beside those that its room is
// for, because they wait for something else than a runner.
const maxRoomless = 1000

// waive lets h wait without a part of the room. The caller holds mu.
func (l *lane) waive(h *held) {
	w := l.worker
	if w.roomless.Add(1) > maxRoomless {
		w.roomless.Add(-1)
		return
	}
	h.roomless = true
	w.schedule.force(l.share, -1)
}

// claim takes the room for h that it did without. The caller holds mu.
func (l *lane) claim(h *held) {
	if h.roomless {
		h.roomless = false
		l.worker.roomless.Add(-1)
		l.worker.schedule.force(l.share, 1)
	}
}

// park keeps the lease of h without a handler. The caller holds mu.
func (l *lane) park(h *held, d Decision, now time.Duration) {
	if d.Action == queueUp && d.Settlement.Delay == 0 {
		h.state = buffered
		l.keepBooked(h)
		if l.worker.alone.await(h) {
			l.offer(h)
		} else {
			l.waive(h)
		}
		return
	}
	switch d.Action {
	case snooze:
		h.state = snoozed
		d.tally(nil)
		d.outcome = outcomeNone // from here on
		h.snoozes++
	case queueUp:
		h.state = lining
	default:
		h.state = parked
	}
	h.resumeAt = now + d.Settlement.Delay
	h.decision = d
	h.decision.Action, h.decision.Settlement.Delay = Settle, 0
	l.keepBooked(h)
	l.waive(h)
}

// resume goes on with a kept lease that is due. The caller holds mu and has taken
// h from the book.
func (l *lane) resume(h *held) {
	if h.state != parked {
		h.state, h.decision = buffered, Decision{}
		l.note(h)
		l.offer(h)
		return
	}
	l.release(h)
	l.enqueueSettle(h)
}

// release makes a kept lease one that is decided. The caller holds mu.
func (l *lane) release(h *held) {
	l.worker.pending.Add(1)
	h.state = decided
	h.decision.Settlement.Lease = h.lease // it may have come again meanwhile
	l.settleFrom(h, l.now())
}

// unpark releases, at a drain, all kept leases, each with what is left of its delay as
// far as the broker can hide it, and those behind a head that is lost.
func (l *lane) unpark() {
	l.mu.Lock()
	defer l.unlock()
	var kept []*held
	for h := range l.book.All() {
		if h.kept() {
			kept = append(kept, h)
		}
		l.desert(h)
	}
	now := l.now()
	for _, h := range kept {
		if h.state != lining {
			h.decision.Settlement.Delay = h.hideable(h.resumeAt - now)
		}
		l.release(h)
		if !h.extending { // else the extender hands it on
			l.book.Remove(h)
			l.enqueueSettle(h)
		}
	}
}

// hideable is how much of a delay the broker can give h when it is released. The
// caller holds mu.
func (h *held) hideable(delay time.Duration) time.Duration {
	d := Delivery{Lease: h.lease, Queue: h.lane.queue, held: h}
	return max(0, min(delay, d.longestRelease()))
}
