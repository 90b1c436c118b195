package runtime

import "time"

const (
	// maxLinger is how long a settle waits at most for others to go with it.
	maxLinger = 10 * time.Millisecond
	// worthLinger is how long a Settle takes at least where others are waited for:
	// one that costs nothing is not worth a wait.
	worthLinger = 200 * time.Microsecond
	// lingerCalls is how many times as long as a Settle takes others are waited for.
	lingerCalls = 4
	// fullEnough is how many settles together are never waited with for more: a
	// request costs next to nothing by then for each, and the room that they take
	// may be all there is, so that no more would come.
	fullEnough = 100
	// settleWindow is over how long the rate of settles is measured at least.
	settleWindow = 10 * time.Millisecond
)

// linger is how often settles come and what they take, by which a settler knows
// whether it is worth waiting for a full batch: a managed queue charges by the
// request. It never waits on a queue that is idle, or whose calls cost nothing.
type linger struct { // guarded by the lane's mu
	came      int           // settles since the rate was measured
	since     time.Duration // when that was
	each      time.Duration // between two of them; 0 until measured
	took      time.Duration // by a Settle, of late
	filled    chan struct{} // capacity 1, never closed; says that a batch is full
	lingering bool          // a settler waits for that
}

// measure takes the rate at which settles come.
func (g *linger) measure(now time.Duration) {
	if d := now - g.since; d >= settleWindow {
		g.each = d / time.Duration(max(1, g.came))
		g.came, g.since = 0, now
	}
}

// tookCall notes how long a Settle took.
func (g *linger) tookCall(d time.Duration) { g.took += (d - g.took) / 4 }

// wait is how long to wait for so many more, or 0 when they would not come in a
// time that is small beside what a Settle takes, and beside hold.
func (g *linger) wait(more int, hold time.Duration) time.Duration {
	most := min(maxLinger, lingerCalls*g.took, hold/20)
	if g.took < worthLinger || g.each == 0 || time.Duration(more)*g.each > most {
		return 0
	}
	return most
}

// fullBatch is for how many settles a settler waits, and at how many another comes.
func (l *lane) fullBatch() int { return min(l.queue.capabilities.MaxSettleBatch, fullEnough) }

// awaitBatch waits for a batch to fill where that is soon, and says whether it has.
// Only one settler does; what comes is for it to take. The caller holds mu, which is
// free meanwhile.
func (l *lane) awaitBatch() (waited bool) {
	more := l.fullBatch() - len(l.toSettle)
	if more <= 0 || len(l.toSettle) == 0 || l.linger.lingering || l.worker.draining.Load() {
		return false
	}
	wait := l.linger.wait(more, l.hold)
	if wait == 0 {
		return false
	}
	l.linger.lingering = true
	l.mu.Unlock()
	timer := time.NewTimer(wait)
	select {
	case <-l.linger.filled:
	case <-timer.C:
	}
	timer.Stop()
	l.mu.Lock()
	l.linger.lingering = false
	select {
	case <-l.linger.filled: // as the timer ended
	default:
	}
	return true
}
