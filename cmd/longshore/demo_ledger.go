package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// demoTally is what happened, in numbers. Each run that has ended is counted once
// among succeeded, duplicates, retried, buried, cut and interrupted.
type demoTally struct {
	sent        int // tasks that the queue took
	runs        int
	succeeded   int // tasks whose handler returned nil
	duplicates  int // runs of tasks that had succeeded already
	retried     int // runs that failed and after which the task comes again
	buried      int // runs after which the queue took the task into its dead letter
	cut         int // runs that ended with their worker
	interrupted int // runs that a drain or a lost lease cut short
	redelivered int // tasks that ran again after their worker was cut off
	rerun       int // tasks that ran again after a redrive
	extensions  int // of leases
	outlived    int // tasks whose only run took longer than the hold and succeeded; set by snapshot
}

// demoLedger knows what became of each task, from what the client, the workers and
// the calls to the queue said. It is safe for concurrent use.
type demoLedger struct {
	changed changes

	mu      sync.Mutex
	tally   demoTally                      // guarded by mu
	tasks   map[runtime.TaskID]*demoRecord // guarded by mu; those that the queue took
	running map[*runtime.Info]demoRun      // guarded by mu; by the attempt
	gone    map[*demoWorker]bool           // guarded by mu; what they say is not heard
}

// demoRun is one attempt that is being made.
type demoRun struct {
	worker *demoWorker
	since  time.Time
}

// demoRecord is one task.
type demoRecord struct {
	state    demoState
	runs     int
	cut      bool // its last run ended with its worker
	outlived bool // its success took longer than the hold
}

type demoState uint8

const (
	demoOpen demoState = iota
	demoSucceeded
	demoDead
)

func newDemoLedger() *demoLedger {
	return &demoLedger{
		changed: newChanges(), tasks: make(map[runtime.TaskID]*demoRecord),
		running: make(map[*runtime.Info]demoRun), gone: make(map[*demoWorker]bool),
	}
}

// snapshot is the tally as it is now.
func (l *demoLedger) snapshot() demoTally {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.tally
	for _, r := range l.tasks {
		if r.outlived && r.runs == 1 {
			now.outlived++
		}
	}
	return now
}

// enqueued says that the queue took a task.
func (l *demoLedger) enqueued(id runtime.TaskID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.sent++
	l.tasks[id] = new(demoRecord)
}

// began says that w runs a task, and answers whether its last run was cut off.
func (l *demoLedger) began(w *demoWorker, t *runtime.Info) (comesBack bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.tasks[t.ID]
	if r == nil {
		return false
	}
	l.tally.runs++
	r.runs++
	l.running[t] = demoRun{w, time.Now()}
	l.changed.notify()
	if r.state == demoDead {
		r.state = demoOpen
		if t.Redrives > 0 {
			l.tally.rerun++
		}
	}
	if r.cut {
		r.cut, comesBack = false, true
		l.tally.redelivered++
	}
	return comesBack
}

// demoEnd is how a run ended.
type demoEnd uint8

const (
	demoUnheard  demoEnd = iota // its worker is gone, or it was no run
	demoDone                    // the task has succeeded
	demoAgain                   // it comes again
	demoDies                    // it is in the dead letter
	demoTwice                   // it had succeeded before
	demoCutShort                // by a drain or a lost lease
)

// settled takes in how a delivery to w ended, and answers that and how long it
// ran.
func (l *demoLedger) settled(w *demoWorker, s *runtime.Settled) (demoEnd, time.Duration) {
	d := &s.Decision
	if d.Task == nil {
		return demoUnheard, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	run, ran := l.running[d.Task]
	r := l.tasks[d.Task.ID]
	if l.gone[w] || !ran || r == nil {
		return demoUnheard, 0
	}
	delete(l.running, d.Task)
	defer l.changed.notify()
	took := time.Since(run.since)
	switch {
	case d.Err == nil && r.state == demoSucceeded:
		l.tally.duplicates++
		return demoTwice, took
	case d.Err == nil:
		// The work is done, also where the queue did not take the ack: if the task
		// comes back it is a duplicate.
		r.state = demoSucceeded
		l.tally.succeeded++
		r.outlived = took > demoHold
		return demoDone, took
	case errors.Is(d.Err, context.Canceled) || errors.Is(d.Err, runtime.ErrDraining):
		l.tally.interrupted++
		return demoCutShort, took
	case s.Err == nil && d.Settlement.Verdict == driver.Bury:
		r.state = demoDead
		l.tally.buried++
		return demoDies, took
	}
	l.tally.retried++
	return demoAgain, took
}

// extended takes in the results of an Extend.
func (l *demoLedger) extended(results []driver.ExtendResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range results {
		if r.Err == nil {
			l.tally.extensions++
		}
	}
}

// cutOff ends the runs of w, of which nothing is heard any more, and answers how
// many there were.
func (l *demoLedger) cutOff(w *demoWorker) (runs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone[w] = true
	for t, run := range l.running {
		if run.worker != w {
			continue
		}
		delete(l.running, t)
		runs++
		if r := l.tasks[t.ID]; r != nil {
			r.cut = true
		}
	}
	l.tally.cut += runs
	return runs
}

// waitRunning waits until w runs n tasks.
func (l *demoLedger) waitRunning(ctx context.Context, w *demoWorker, n int) bool {
	return l.changed.wait(ctx, &l.mu, func() bool {
		runs := 0
		for _, run := range l.running {
			if run.worker == w {
				runs++
			}
		}
		return runs >= n
	})
}

// waitSettled waits until every task has succeeded or is dead.
func (l *demoLedger) waitSettled(ctx context.Context) bool {
	return l.changed.wait(ctx, &l.mu, func() bool { return l.count(demoOpen) == 0 })
}

// waitSucceeded waits until every task has succeeded.
func (l *demoLedger) waitSucceeded(ctx context.Context) bool {
	return l.changed.wait(ctx, &l.mu, func() bool { return l.count(demoSucceeded) == len(l.tasks) })
}

// count is how many tasks are in a state. The caller holds mu.
func (l *demoLedger) count(state demoState) (n int) {
	for _, r := range l.tasks {
		if r.state == state {
			n++
		}
	}
	return n
}
