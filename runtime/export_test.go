package runtime

import (
	"fmt"
	"strings"
)

// Leftover is what the worker still counts as held, in line, running or reserved:
// nothing when it has nothing to do. After Run, with drained, no receive may be
// under way either.
func (w *Worker) Leftover(drained bool) string {
	var left []string
	want := func(name string, n int) {
		if n != 0 {
			left = append(left, fmt.Sprintf("%s %d", name, n))
		}
	}
	s := w.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	want("buffered", s.buffered)
	waiters := 0
	for i, sh := range s.shares {
		name := fmt.Sprintf("share %d: ", i)
		want(name+"used beyond inflight", sh.used-sh.inflight)
		if drained || len(s.shares) > 1 { // else the long poll reserves
			want(name+"inflight", sh.inflight)
		}
		want(name+"buffered", sh.buffered)
		want(name+"late", sh.late)
		want(name+"running", sh.limit.running)
		for _, ln := range sh.lines {
			want(name+"in line", ln.tasks.len)
		}
		waiters += len(sh.waiting)
	}
	want("waiters not counted", s.waiters-waiters)
	for _, g := range s.kinds {
		want("running of a kind", g.running)
	}
	if drained {
		want("waiters", s.waiters)
		want("idle", s.idle)
	} else {
		want("runners that are not idle", s.size-s.idle)
		want("pollers that wait for room", s.waiters)
	}
	want("roomless", int(w.roomless.Load()))
	want("pending", int(w.pending.Load()))
	for _, l := range w.lanes {
		l.mu.Lock()
		want(l.queue.Name+": by id", len(l.byID))
		want(l.queue.Name+": groups", len(l.groups))
		want(l.queue.Name+": to settle", len(l.toSettle))
		want(l.queue.Name+": in the book", l.book.Len())
		l.mu.Unlock()
	}
	w.alone.mu.Lock()
	defer w.alone.mu.Unlock()
	want("alone waiting", len(w.alone.waiting))
	if w.alone.turn != nil {
		want("alone turn", 1)
	}
	return strings.Join(left, ", ")
}
