package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// How far the input may be ahead of the worker.
const (
	maxAhead      = 10_000
	maxAheadBytes = 64 << 20
)

// Reasons in the failed file beside those of dead tasks; see driver.Death.
const (
	reasonRefused     = "refused"       // dead: the queue cannot take such a line
	reasonNotEnqueued = "not-enqueued"  // unfinished: the queue did not answer for it
	reasonNotStarted  = "not-started"   // unfinished: it waited for its first attempt
	reasonInterrupted = "interrupted"   // unfinished: its attempt was cut short
	reasonRetrying    = "retry-pending" // unfinished: it waited for another attempt
)

// counts are the numbers of a run. Sent = Succeeded + Dead + Unfinished + Lost
// once it has ended.
type counts struct {
	Sent       int // lines that became tasks, or were refused
	Succeeded  int
	Dead       int // buried or refused
	Unfinished int // neither, and known to be so
	Duplicates int // runs of tasks that had already succeeded
	Lost       int // still open, and not on the queue either
	Attempts   int
	Retries    int // attempts that failed and were followed by another, or will be
}

// settled is how many lines are done with.
func (c *counts) settled() int { return c.Succeeded + c.Dead }

// account knows each line of the input from its enqueue until it is settled. A
// line's number is a part of its task's id, so one bit is enough to remember
// that it succeeded. It is safe for concurrent use.
type account struct {
	prefix  string // of this run's task ids
	failed  *failedFile
	changed changes

	mu        sync.Mutex
	counts    counts         // guarded by mu
	open      map[int]*entry // guarded by mu; by line number
	bytes     int            // guarded by mu; of payloads in open
	writing   int            // guarded by mu; lines on their way to the failed file
	buried    int            // guarded by mu; of the dead, those in the dead letter
	succeeded bits           // guarded by mu; line numbers
	unsent    int            // guarded by mu; of open, those that the queue did not take
	closed    bool           // guarded by mu; later events are ignored
}

// entry is a line that is not settled.
type entry struct {
	payload  []byte
	reason   string // why it is unfinished, were the run to end now
	attempts int
	err      string // of the last attempt that failed
}

func newAccount(failed *failedFile) *account {
	return &account{
		prefix:  strings.ToLower(rand.Text()[:12]) + "-",
		failed:  failed,
		changed: newChanges(),
		open:    make(map[int]*entry),
	}
}

func (a *account) id(number int) runtime.TaskID {
	return runtime.TaskID(a.prefix + strconv.Itoa(number))
}

// number is the line of a task; false for a task of somebody else.
func (a *account) number(id runtime.TaskID) (int, bool) {
	digits, ours := strings.CutPrefix(string(id), a.prefix)
	n, err := strconv.Atoi(digits)
	return n, ours && err == nil
}

// snapshot is the counts as they are now.
func (a *account) snapshot() counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}

// wait waits until ready, which is called with mu held, and says false when ctx
// ends first. Only one goroutine may wait at a time.
func (a *account) wait(ctx context.Context, ready func() bool) bool {
	return a.changed.wait(ctx, &a.mu, ready)
}

// waitRoom waits until a payload of n bytes may be added.
func (a *account) waitRoom(ctx context.Context, n int) bool {
	return a.wait(ctx, func() bool {
		return len(a.open) == 0 || len(a.open) < maxAhead && a.bytes+n <= maxAheadBytes
	})
}

// waitSettled waits until every line is settled, or will not be.
func (a *account) waitSettled(ctx context.Context) bool {
	return a.wait(ctx, func() bool { return len(a.open)-a.unsent+a.writing == 0 })
}

// send opens a line that is about to be enqueued.
func (a *account) send(number int, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Sent++
	a.open[number] = &entry{payload: payload, reason: reasonNotStarted}
	a.bytes += len(payload)
}

// notSent says that the queue did not answer for a line.
func (a *account) notSent(number int, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.open[number]; e != nil {
		e.reason, e.err = reasonNotEnqueued, why.Error()
		a.unsent++
	}
}

// refuse counts a line that can be no task. It may have been opened by send.
func (a *account) refuse(l *line, why error) {
	a.mu.Lock()
	if a.open[l.number] == nil {
		a.counts.Sent++
	}
	a.drop(l.number)
	a.writing++
	a.mu.Unlock()
	f := &failure{Line: l.number, Truncated: l.cut(), Reason: reasonRefused, Error: why.Error()}
	f.setPayload(l.data)
	a.bury(f)
}

// bury writes the failure of a line that is dead and no longer open. The caller
// has counted it in writing.
func (a *account) bury(f *failure) {
	a.failed.write(f)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writing--
	a.counts.Dead++
	a.changed.notify()
}

// drop takes a line out of open. The caller holds mu.
func (a *account) drop(number int) {
	e := a.open[number]
	if e == nil {
		return
	}
	if e.reason == reasonNotEnqueued {
		a.unsent--
	}
	a.bytes -= len(e.payload)
	delete(a.open, number)
	a.changed.notify()
}

// begin counts an attempt that is about to be made.
func (a *account) begin(t *runtime.Info) {
	number, ours := a.number(t.ID)
	if !ours {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.counts.Attempts++
	if a.succeeded.has(number) {
		a.counts.Duplicates++
	}
	if e := a.open[number]; e != nil {
		if e.reason == reasonNotEnqueued { // it was taken after all
			a.unsent--
		}
		e.reason, e.attempts = reasonInterrupted, t.Attempt
	}
}

// outcome is what became of an attempt, for people.
type outcome struct {
	number  int
	dead    bool
	reason  string // of a dead one
	attempt int
	of      int
	err     string
}

// settle takes in how a delivery ended. The second result is false when there is
// nothing to tell.
func (a *account) settle(s *runtime.Settled) (outcome, bool) {
	d := &s.Decision
	if d.Task == nil {
		return outcome{}, false
	}
	number, ours := a.number(d.Task.ID)
	if !ours {
		return outcome{}, false
	}
	a.mu.Lock()
	e := a.open[number]
	if e == nil || a.closed {
		a.mu.Unlock()
		return outcome{}, false
	}
	o := outcome{number: number, attempt: d.Task.Attempt, of: d.Task.MaxAttempts}
	switch {
	case d.Err == nil && d.Action != runtime.CopyThenAck:
		// The work is done, also where the queue did not take the ack: if the
		// task comes back it is a duplicate.
		a.counts.Succeeded++
		a.succeeded.set(number)
		a.drop(number)
	case d.Err == nil || errors.Is(d.Err, runtime.ErrDraining):
		// Sent on unstarted, or cut short.
	case s.Err == nil && d.Action == runtime.Settle && d.Settlement.Verdict == driver.Bury:
		a.drop(number)
		a.buried++
		a.writing++
		a.mu.Unlock()
		o.dead, o.reason, o.err = true, d.Settlement.Reason, d.Err.Error()
		f := &failure{Line: number, ID: d.Task.ID, Reason: o.reason, Attempts: o.attempt, Error: o.err}
		f.setPayload(e.payload)
		a.bury(f)
		return o, true
	default:
		a.counts.Retries++
		e.reason, e.err = reasonRetrying, d.Err.Error()
		o.err = e.err
		a.mu.Unlock()
		return o, true
	}
	a.mu.Unlock()
	return outcome{}, false
}

// close ends the account: what is open is unfinished and goes to the failed
// file. With the exact stats of a queue that nobody else uses it counts how many
// of those the queue does not have: they are lost.
func (a *account) close(stats *driver.Stats) counts {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	// Bounded: nothing joins any more, and what is being written ends.
	a.wait(context.Background(), func() bool { return a.writing == 0 })

	a.mu.Lock()
	defer a.mu.Unlock()
	numbers := make([]int, 0, len(a.open))
	for n := range a.open {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, cmp.Compare)
	for _, n := range numbers {
		e := a.open[n]
		f := &failure{Line: n, ID: a.id(n), Reason: e.reason, Attempts: e.attempts, Error: e.err}
		f.setPayload(e.payload)
		a.failed.write(f)
	}
	a.counts.Unfinished = len(numbers)
	if stats != nil {
		held := int(stats.Ready+stats.Leased+stats.Delayed+stats.Dead) - a.buried
		a.counts.Lost = max(0, len(numbers)-a.unsent-held)
		a.counts.Unfinished -= a.counts.Lost
	}
	return a.counts
}

// check is nil when the numbers add up.
func (c *counts) check() error {
	if sum := c.Succeeded + c.Dead + c.Unfinished + c.Lost; sum != c.Sent || c.Lost > 0 {
		return fmt.Errorf("sent %d, but %d succeeded, %d are dead, %d unfinished and %d lost; please report this",
			c.Sent, c.Succeeded, c.Dead, c.Unfinished, c.Lost)
	}
	return nil
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(n int) bool { return n/64 < len(b) && b[n/64]&(1<<(n%64)) != 0 }

func (b *bits) set(n int) {
	for len(*b) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}
