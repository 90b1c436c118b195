package runtime

import (
	"slices"
	"sync"
)

// alone lets one task beyond its MaxAttempts run at a time: it may be what ends
// the process, and the others with it. It is safe for concurrent use.
type alone struct {
	mu      sync.Mutex
	running *held   // guarded by mu
	waiting []*held // guarded by mu; leased, without a runner
}

// alone says whether h may run now.
func (h *held) alone() bool {
	a := &h.lane.worker.alone
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil {
		a.running = h
	}
	return a.running == h
}

// await puts h in line; true when it need not wait.
func (a *alone) await(h *held) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil {
		return true
	}
	a.waiting = append(a.waiting, h)
	return false
}

// leave says that h runs no more, and offers those in line to the runners, of
// which one will run.
func (a *alone) leave(h *held) {
	a.mu.Lock()
	if a.running != h {
		a.mu.Unlock()
		return
	}
	a.running = nil
	var next *held
	if len(a.waiting) > 0 {
		next = a.waiting[0]
		a.waiting = slices.Delete(a.waiting, 0, 1)
	}
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
