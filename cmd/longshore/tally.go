package main

import (
	"errors"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// tallied are the numbers of a shift.
type tallied struct {
	Succeeded   int `json:"succeeded"`
	Dead        int `json:"dead"`
	Interrupted int `json:"interrupted"` // given back because the worker ended
	Unsettled   int `json:"unsettled"`   // the queue did not take their end
	Attempts    int `json:"attempts"`    // made here
	Retries     int `json:"retries"`     // attempts that failed, and another follows
}

// tally counts what a worker does. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	sum     tallied   // guarded by mu
	running int       // guarded by mu; handlers
	last    time.Time // guarded by mu; when something happened
	due     time.Time // guarded by mu; when the last of the retries that were put off here is
}

func newTally() *tally { return &tally{last: time.Now()} }

func (t *tally) snapshot() tallied {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}

// begin counts an attempt that is about to be made. The caller calls ended after
// it.
func (t *tally) begin() (ended func()) {
	t.move(1)
	return func() { t.move(-1) }
}

func (t *tally) move(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running += n
	t.sum.Attempts += max(0, n)
	t.last = time.Now()
}

// idle is for how long there has been nothing to do.
func (t *tally) idle() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running > 0 {
		return 0
	}
	return min(time.Since(t.last), time.Since(t.due))
}

// grain is what brokers round delays up to.
const grain = time.Second

// putOff notes when a task comes again that was put off: a queue that cannot say
// what it holds looks empty until then. The caller holds mu.
func (t *tally) putOff(d *runtime.Decision) {
	due := time.Now().Add(d.Settlement.Delay + grain)
	if d.Copy != nil && d.Copy.Carry.NotBefore.After(due) {
		due = d.Copy.Carry.NotBefore.Add(grain)
	}
	if due.After(t.due) {
		t.due = due
	}
}

// ending is how a delivery ended, as far as there is something to tell.
type ending string

const (
	endedQuietly   ending = ""
	endedFailed    ending = "failed"
	endedDead      ending = "dead"
	endedUnsettled ending = "unsettled"
)

// settle counts how a delivery ended.
func (t *tally) settle(s *runtime.Settled) ending {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &s.Decision
	draining := errors.Is(d.Err, runtime.ErrDraining) || errors.Is(s.Err, runtime.ErrDraining)
	switch {
	case d.Task == nil && d.Err == nil: // given back unstarted
		return endedQuietly
	case d.Err == nil && d.Action == runtime.CopyThenAck: // sent on unstarted
		return endedQuietly
	}
	t.last = time.Now()
	switch {
	case draining:
		t.sum.Interrupted++
		return endedQuietly
	case s.Err != nil || d.Action == runtime.Nothing:
		t.sum.Unsettled++
		return endedUnsettled
	case d.Err == nil:
		t.sum.Succeeded++
		return endedQuietly
	case d.Action == runtime.Settle && d.Settlement.Verdict == driver.Bury:
		t.sum.Dead++
		return endedDead
	}
	t.sum.Retries++
	t.putOff(d)
	return endedFailed
}
