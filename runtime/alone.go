package runtime

import (
	"slices"
	"sync"
	"time"
)

// lineTime is within what a task beyond its MaxAttempts gets its place in line.
const lineTime = time.Second

// alone lets one task beyond its MaxAttempts run at a time: it may be what ends
// the process, and the others with it. Those that came together get their places
// by chance, anew with each delivery: each wait behind the one that ends the
// process costs a delivery, and in the order of the queue it could be the first
// every time, until all have died with it. It is safe for concurrent use.
type alone struct {
	mu      sync.Mutex
	turn    *held   // guarded by mu; it runs, or is on its way to a runner
	waiting []*held // guarded by mu; leased, without a runner
}

// placeOf is after how long a message gets in line in an attempt.
func placeOf(id string, attempt int) time.Duration {
	return time.Duration(spread(id, attempt) * float64(lineTime))
}

// alone says whether h may run now.
func (h *held) alone() bool {
	a := &h.lane.worker.alone
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.turn == nil {
		a.turn = h
	}
	return a.turn == h
}

// await puts h in line; true when it need not wait.
func (a *alone) await(h *held) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.turn == nil {
		a.turn = h
		return true
	}
	a.waiting = append(a.waiting, h)
	return false
}

// leave says that a runner is done with h. If it was h's turn, run or not, the
// turn goes to the next in line, and that to the runners.
func (a *alone) leave(h *held) {
	a.mu.Lock()
	if a.turn != h {
		a.mu.Unlock()
		return
	}
	a.turn = nil
	if len(a.waiting) > 0 {
		a.turn = a.waiting[0]
		a.waiting = slices.Delete(a.waiting, 0, 1)
	}
	next := a.turn
	a.mu.Unlock()
	if next != nil {
		l := next.lane
		l.mu.Lock()
		l.offer(next)
		l.unlock()
	}
}

// drop empties the line.
func (a *alone) drop() []*held {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.waiting
	a.waiting = nil
	return all
}
