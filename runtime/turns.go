package runtime

import "time"

// offer puts tasks of sh in line for a runner, or answers false when the schedule
// is closed.
func (s *schedule) offer(sh *share, all []*held) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	for _, h := range all {
		s.seq++
		h.seq = s.seq
		for _, ln := range sh.lines {
			if ln.gate == h.gate {
				ln.tasks.push(h)
				break
			}
		}
	}
	sh.buffered += len(all)
	s.buffered += len(all)
	s.signal()
	return true
}

// next waits for a task that can start and gives it to a runner; nil when the
// schedule is closed. Done is the runner's task before, nil for none, and ran
// whether its handler was called.
func (s *schedule) next(done *held, ran bool) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done != nil {
		s.end(done, ran)
	}
	for !s.closed {
		if h := s.pick(); h != nil {
			if s.buffered > 0 {
				s.signal()
			}
			s.starting.Add(1)
			return h
		}
		s.idle++
		s.turn.Wait()
		s.idle--
		s.woken = max(0, s.woken-1)
		if s.crowded.Load() {
			s.give()
		}
	}
	return nil
}

// signal has an idle runner look for a task. No more are on their way at a time than
// there are processors, and each wakes the next before it begins: so quick tasks do
// not wake all runners to find nothing. The caller holds mu.
func (s *schedule) signal() {
	if s.idle > s.woken && s.woken < s.processors {
		s.woken++
		s.turn.Signal()
	}
}

// begun says that a runner has begun the task that next gave it, or will not.
func (s *schedule) begun() {
	// Now and then is enough, and spares the lock.
	if n := s.starting.Add(-1); n%16 == 0 && s.crowded.Load() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.give()
	}
}

// pick takes out of its line what starts next: of the largest rank that has a task
// that can start, the oldest. The caller holds mu.
func (s *schedule) pick() *held {
	if s.buffered == 0 {
		return nil
	}
	now := s.clock()
	var best *line
	var from *share
	awaited := false // a task of a larger rank may come at once
	for i, sh := range s.shares {
		if i > 0 && sh.rank < s.shares[i-1].rank && (best != nil || awaited) {
			break
		}
		if !s.open(&sh.limit, now) {
			continue
		}
		for _, ln := range sh.lines {
			if ln.tasks.len > 0 && (best == nil || ln.tasks.head().seq < best.tasks.head().seq) && (ln.gate == nil || s.open(ln.gate, now)) {
				best, from = ln, sh
			}
		}
		awaited = awaited || s.strict && s.promises(sh, now)
	}
	if best == nil {
		return nil
	}
	h := best.tasks.pop()
	s.buffered--
	from.buffered--
	from.limit.start(now)
	if h.gate != nil {
		h.gate.start(now)
	}
	if from.buffered > 0 && (h.gate != nil || from.limit.limited()) {
		s.give() // what waits for a limit from now on takes no room
	}
	return h
}

// open is whether a gate lets a task through, and otherwise sees to it that one is
// looked for when it may. The caller holds mu.
func (s *schedule) open(g *gate, now time.Duration) bool {
	open, at := g.opens(now)
	if !open {
		s.wakeBy(at)
	}
	return open
}

// end ends a task's turn: its runner is done with it. The caller holds mu.
func (s *schedule) end(h *held, ran bool) {
	h.lane.share.limit.end(ran)
	if h.gate != nil {
		h.gate.end(ran)
	}
	if s.strict {
		h.lane.share.ended = s.now()
		s.give() // those of larger rank have room from now on
	}
}

// leave is the end of a task's turn whose runner is gone.
func (s *schedule) leave(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(h, true)
	s.signal()
}

// close ends the turns, and gives the tasks that are in line.
func (s *schedule) close() []*held {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.turn.Broadcast()
	var all []*held
	for _, sh := range s.shares {
		for _, ln := range sh.lines {
			for ln.tasks.len > 0 {
				all = append(all, ln.tasks.pop())
			}
		}
		sh.buffered = 0
	}
	s.buffered = 0
	return all
}
