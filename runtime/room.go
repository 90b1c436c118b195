package runtime

import (
	"context"
	"math"
	"slices"
	"time"
)

// Room bounds how many leases a worker holds, from receive to settle: as many as
// it has runners, and beyond that what it finishes within a moment, measured, so
// that quick handlers never wait for a receive and slow ones hoard nothing. Queues
// that want room at the same time get it by their rank, then by their weight: the
// one that has had least for its weight comes next.

const (
	// maxPrefetch is the most leases held beyond those whose handlers can run.
	maxPrefetch = 1000
	// soon is how far ahead a worker leases what it cannot start yet.
	soon = 100 * time.Millisecond
	// rateWindow is how often the rate is measured.
	rateWindow = 50 * time.Millisecond
	// leastPortion is the least part of the room, in leases, that a queue gets.
	leastPortion = 10
	// maxStarting is how many runners may be on their way to a task when more is
	// leased. On a busy machine thousands that start at once keep the keeper from its
	// work, and their own leases run out.
	maxStarting = 500
	// backlogFill is what part of its room a queue with a backlog fills at least. Of
	// a broker that gives less by the receive than it has, that is enough.
	backlogFill = 1.0 / 3
	// patience is how long other queues wait for a receive that is under way on one
	// whose turn it is.
	patience = time.Second
)

// waiter is a poller that waits for room.
type waiter struct {
	most    int           // leases
	reserve bool          // it takes room; otherwise it only waits until there is some
	room    int           // what it got, set before done
	done    chan struct{} // capacity 1; said when it got room
}

// enter waits for room and reserves up to most leases; with reserve false it waits
// only, unless its queue has to be asked at once, without a wait, because those of
// a smaller rank wait for what it has: then reserved is true all the same. The
// error is that of ctx. Each enter without an error is followed by a received.
func (s *schedule) enter(ctx context.Context, sh *share, most int, reserve bool) (room int, reserved bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	w := &waiter{most: most, reserve: reserve, done: make(chan struct{}, 1)}
	s.mu.Lock()
	sh.waiting = append(sh.waiting, w)
	s.waiters++
	s.give()
	if w.room == 0 && s.strict && !reserve {
		s.rouse(sh)
		w.most, w.reserve, sh.more = sh.batch, true, true // nobody knows what it has meanwhile
	}
	s.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		s.withdraw(sh, w)
		return 0, false, err
	}
	return w.room, w.reserve, nil
}

// withdraw ends what an enter began, without a receive.
func (s *schedule) withdraw(sh *share, w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(sh.waiting, w); i >= 0 {
		sh.waiting = slices.Delete(sh.waiting, i, i+1)
		s.waiters--
	} else if w.reserve {
		sh.inflight -= w.room
		sh.use(-w.room)
	}
	s.give()
}

// received ends what an enter began, after a receive that brought some leases, of
// which taken are new.
func (s *schedule) received(sh *share, room int, reserved bool, brought, taken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !reserved:
		sh.use(taken)
	case brought == 0:
		sh.inflight -= room
		sh.use(-room)
	default: // it pays for the room that others did not get meanwhile, used or not
		sh.inflight -= room
		sh.used += taken - room
	}
	if reserved {
		sh.fill += (float64(brought)/float64(room) - sh.fill) / 8
	}
	s.rouse(sh)
	now := s.now()
	sh.more, sh.moved = brought > 0, now
	s.giveAt(now)
	if s.strict {
		s.signal() // those of a smaller rank may have waited for this
	}
}

// rouse lets a queue that had nothing not catch up on what others got meanwhile,
// and one that had no backlog not on more than its portion. The caller holds mu.
func (s *schedule) rouse(sh *share) {
	switch {
	case !sh.more:
		sh.pass = max(sh.pass, s.served)
	case sh.fill < backlogFill:
		s.forgo(sh)
	}
}

// forgo takes from a queue what it is behind by more than its portion. The caller
// holds mu.
func (s *schedule) forgo(sh *share) {
	sh.pass = max(sh.pass, s.served-float64(s.portion(sh))/sh.weight)
}

// use counts n more leases, or fewer.
func (sh *share) use(n int) {
	sh.used += n
	sh.pass += float64(n) / sh.weight
}

// finish takes back the room of n leases that have ended.
func (s *schedule) finish(sh *share, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.finished += n
	sh.used -= n
	s.give()
}

// force takes n leases whether there is room or not; with n below 0 it gives them
// back for a time.
func (s *schedule) force(sh *share, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.used += n
	if n < 0 {
		s.give()
	}
}

// settlesLate says that the queue did not take the settles of n more leases, or
// fewer: they keep room from their own queue only.
func (s *schedule) settlesLate(sh *share, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.late += n
	s.give()
}

// give gives room to those that wait for it, as far as there is some. The caller
// holds mu.
func (s *schedule) give() {
	if s.waiters > 0 {
		s.giveAt(s.now())
	}
}

// giveAt does the work of give, at a time.
func (s *schedule) giveAt(now time.Duration) {
	if s.waiters == 0 {
		return
	}
	s.crowded.Store(true) // before it looks, or the last of them begins unseen meanwhile
	starting := int(s.starting.Load())
	if s.woken > 0 {
		starting += min(s.buffered, s.idle) // which wake one another
	}
	if starting >= maxStarting {
		return // until some of them have begun
	}
	s.crowded.Store(false)
	for s.waiters > 0 {
		sh, room := s.favourite(now)
		if sh == nil {
			return
		}
		w := sh.waiting[0]
		sh.waiting = slices.Delete(sh.waiting, 0, 1)
		s.waiters--
		s.served = max(s.served, sh.pass)
		if w.reserve {
			sh.inflight += room
			sh.use(room)
		} else {
			room = w.most
		}
		sh.moved = now
		w.room = room
		w.done <- struct{}{}
	}
}

// favourite is the queue that gets room next, and how much; nil for none. The
// caller holds mu.
func (s *schedule) favourite(now time.Duration) (best *share, room int) {
	for _, sh := range s.shares {
		if best != nil && best.rank > sh.rank {
			break
		}
		if len(sh.waiting) == 0 || best != nil && best.pass <= sh.pass {
			continue
		}
		own := s.own(sh, now)
		if own == 0 {
			s.forgo(sh) // it holds up nobody, and does not catch up on all of it later
			continue
		}
		if s.mustWait(sh, now) {
			continue
		}
		free := s.free(sh, now)
		if free < max(1, s.prefetch/4) {
			continue
		}
		best, room = sh, min(free, own, s.portion(sh), sh.waiting[0].most)
	}
	return best, room
}

// portion is the most room that a queue gets at a time: its part of all, among
// those of its rank that may have tasks, but not so little that receives are no
// batches. The caller holds mu.
func (s *schedule) portion(sh *share) int {
	sum := sh.weight
	for _, other := range s.shares {
		if other != sh && other.rank == sh.rank && other.more {
			sum += other.weight
		}
	}
	return max(leastPortion, int(float64(s.size+s.prefetch)*sh.weight/sum))
}

// free is the room that a queue finds. What those of a smaller rank have leased
// and not started is no obstacle, nor is what waits for the limit or the pause of
// its queue, which bounds it, nor what another queue does not take back, nor what a
// receive of another that does not return may bring. The caller holds mu.
func (s *schedule) free(sh *share, now time.Duration) int {
	free := s.size + s.prefetch
	aside := 0
	for _, other := range s.shares {
		if other.rank < sh.rank {
			free -= other.limit.running
			continue
		}
		free -= other.used
		if open, _ := other.limit.opens(now); open {
			aside += other.aside(now)
		} else {
			free += other.buffered
		}
		if other != sh {
			free += other.late
		}
		switch {
		case other == sh || other.inflight == 0:
		case other.moved+patience <= now:
			free += other.inflight
		default:
			s.wakeBy(other.moved + patience)
		}
	}
	return free + min(aside, s.size)
}

// aside is how many tasks wait for the limits of their kinds. As many as there are
// runners take no room, so that they do not hold up all others.
func (sh *share) aside(now time.Duration) int {
	n := 0
	for _, ln := range sh.lines[1:] {
		if ln.tasks.len == 0 {
			continue
		}
		if open, _ := ln.gate.opens(now); !open {
			n += ln.tasks.len
		}
	}
	return n
}

// own is how many leases the queue's own limits let it have beyond those that it
// has: what can start soon. It is 0 until that is worth a receive. The caller
// holds mu.
func (s *schedule) own(sh *share, now time.Duration) int {
	g := &sh.limit
	if g.paused > now {
		s.wakeBy(g.paused)
		return 0
	}
	own := math.MaxInt
	if !g.limited() {
		return own
	}
	aside := 0
	if open, _ := g.opens(now); open { // else no task of another kind could start either
		aside = min(sh.aside(now), s.size)
	}
	if g.places > 0 {
		own = worth(g.places+sh.prefetch-sh.used+aside, sh.prefetch)
	}
	if g.bucket.limited() {
		ahead := max(1, int(g.bucket.tokens(now)+float64(soon)*g.bucket.ratio))
		own = min(own, worth(ahead-sh.buffered-sh.inflight+aside, ahead))
	}
	return own
}

// worth is n, or 0 while that is less than a quarter of what is held ahead.
func worth(n, ahead int) int {
	if n < max(1, ahead/4) {
		return 0
	}
	return n
}

// mustWait is whether the room is another queue's, which is about to ask for it:
// one of a larger rank, or one with a backlog that has had less for its weight by
// more than a receive. The caller holds mu.
func (s *schedule) mustWait(sh *share, now time.Duration) bool {
	for _, other := range s.shares {
		if other == sh || len(other.waiting) > 0 || other.rank < sh.rank {
			continue // or it has asked, and its turn comes by itself
		}
		behind := other.fill >= backlogFill && other.pass < sh.pass-float64(s.portion(sh))/sh.weight
		if (other.rank > sh.rank || behind) && s.promises(other, now) {
			return true
		}
	}
	return false
}

// promises is whether a queue may have tasks that could start, of which nobody
// knows yet. The caller holds mu.
func (s *schedule) promises(sh *share, now time.Duration) bool {
	switch {
	case !sh.more:
		return false
	case s.own(sh, now) == 0:
		return false
	case len(sh.waiting) > 0 && sh.buffered > 0: // their kinds hold them up
		return false
	}
	until := sh.moved + patience
	if len(sh.waiting) > 0 { // it gets room when what has ended is settled
		for _, other := range s.shares {
			if other.rank >= sh.rank {
				until = max(until, other.ended+patience)
			}
		}
	}
	if until <= now {
		return false
	}
	s.wakeBy(until)
	return true
}

// measure adapts the room ahead to the rate at which leases end. Hold is how long
// they run.
func (s *schedule) measure(hold time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	window := now - s.measured
	if window < rateWindow {
		return
	}
	s.measured = now
	horizon := min(soon, hold/10)
	sum := 0
	for _, sh := range s.shares {
		done := sh.finished - sh.counted
		sh.counted = sh.finished
		sum += done
		sh.prefetch = ahead(done, window, horizon, sh.limit.places)
	}
	s.prefetch = ahead(sum, window, horizon, s.size)
	s.give()
}

// ahead is how many leases are worth holding beyond those that run.
func ahead(done int, window, horizon time.Duration, places int) int {
	return min(int(float64(done)*float64(horizon)/float64(window)), 10*places, maxPrefetch)
}
