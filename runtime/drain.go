package runtime

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// drain ends the worker: what was not started is given back, handlers are
// waited for and told when the grace is nearly over, and what they decided is
// settled. At the end of the grace cut ends the calls that are still under way.
func (w *Worker) drain(pollers *sync.WaitGroup, cut func()) error {
	grace := w.options.Grace
	began := time.Now()
	left := func(before time.Duration) <-chan time.Time {
		return time.After(time.Until(began.Add(grace - before)))
	}
	w.enter(StateDraining)
	w.draining.Store(true)
	for _, l := range w.lanes {
		l.unpark() // and from here on nothing is kept, see decide
	}
	for _, h := range append(w.schedule.close(), w.alone.drop()...) {
		h.lane.giveBack(h)
	}
	waits, stop := context.WithCancel(context.Background())
	defer stop()
	returned := make(chan struct{})
	go func() { // outlives Run only with a handler that does not return
		pollers.Wait()
		w.runners.Wait()
		w.mux.strays.wait(waits, w)
		close(returned)
	}()
	var stuck error
	tell, giveUp := left(drainLead(grace)), left(drainTail(grace))
	for waiting := true; waiting; {
		select {
		case <-returned:
			waiting = false
		case <-tell:
			for _, l := range w.lanes {
				l.cancelAll(ErrDraining)
			}
		case <-giveUp:
			stuck = w.stuck()
			waiting = false
		}
	}

	end := left(0)
	for w.pending.Load() > 0 {
		select {
		case <-w.idle:
			continue
		case <-end:
		}
		break
	}
	for _, l := range w.lanes {
		l.abandon()
	}
	cut()
	pollers.Wait()
	if stuck == nil {
		<-returned
	}
	return stuck
}

// stuck says which handlers did not return.
func (w *Worker) stuck() error {
	var ids []string
	for _, l := range w.lanes {
		ids = append(ids, l.running()...)
	}
	for _, id := range w.mux.strays.of(w) {
		ids = append(ids, "of task "+string(id))
	}
	if len(ids) == 0 {
		return nil
	}
	n := len(ids)
	if n > 5 {
		ids = append(ids[:5], "…")
	}
	return driver.Errorf(driver.DeadlineExceeded, "runtime: drain",
		"%d handlers did not return within %v of %v; their leases run out and their tasks run again (messages %s); make them honour their context",
		n, w.options.Grace-drainTail(w.options.Grace), w.options.Grace, strings.Join(ids, ", "))
}

// running are the broker's ids of messages whose handler runs, with a lease or
// without.
func (l *lane) running() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for h := range l.book.All() {
		if h.state == running || h.state == lost {
			ids = append(ids, h.id)
		}
	}
	return ids
}

// cancelAll cancels every handler that runs.
func (l *lane) cancelAll(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.book.All() {
		if h.state == running {
			h.ends.because(cause)
		}
	}
}

// abandon ends the lane's work: nothing is tried again, no handler is started,
// and what one returns from now on is dropped.
func (l *lane) abandon() {
	l.mu.Lock()
	defer l.unlock()
	l.abandoned = true
	for _, h := range l.toSettle {
		l.finish(h, errAbandoned)
	}
	l.toSettle = nil
	var left []*held
	for h := range l.book.All() {
		left = append(left, h)
	}
	for _, h := range left {
		l.book.Remove(h)
		if h.state == decided && !h.extending {
			l.finish(h, errAbandoned)
		}
	}
}

// drainLead is how long before the end of the grace handlers are told, and
// drainTail what is left for settling after the last of them.
func drainLead(grace time.Duration) time.Duration { return min(3*time.Second, grace/2) }
func drainTail(grace time.Duration) time.Duration { return min(time.Second, grace/6) }
