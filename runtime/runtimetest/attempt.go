package runtimetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Attempt is how one delivery of a task ended.
type Attempt struct {
	// ID and Kind are the task's; empty when the message was no task.
	ID   runtime.TaskID
	Kind string
	// Queue is the name of the queue it came from.
	Queue string
	// Attempt counts from 1; see [runtime.Info].
	Attempt int
	// Err is what the handler returned, or why it did not run; nil when it
	// succeeded or put the task off.
	Err error
	// Verdict is what became of the task: Ack when it is done, Release when it
	// was to run again after Delay, Bury when it is dead for Reason.
	Verdict driver.Verdict
	Delay   time.Duration
	Reason  string
	// Delivered is when the task came from the queue, Ended when the queue took
	// the verdict.
	Delivered, Ended time.Time
}

// String is the attempt in one line, without the task's arguments.
func (a Attempt) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q attempt %d: %s", a.Kind, a.Attempt, a.Verdict)
	switch a.Verdict {
	case driver.Release:
		fmt.Fprintf(&b, " for %v", a.Delay)
	case driver.Bury:
		fmt.Fprintf(&b, " as %s", a.Reason)
	}
	if a.Err != nil {
		fmt.Fprintf(&b, ": %v", a.Err)
	}
	return b.String()
}

// Attempts are those at the task so far, or at all tasks without an id, in the
// order in which they ended. Deliveries of a task that was not due yet, and of one
// that was given back unstarted, are no attempts.
func (k *Kit) Attempts(ids ...runtime.TaskID) []Attempt {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(ids) == 0 {
		return slices.Clone(k.attempts)
	}
	var some []Attempt
	for _, a := range k.attempts {
		if slices.Contains(ids, a.ID) {
			some = append(some, a)
		}
	}
	return some
}

// Record adds what a worker of the test's own has settled: give it to
// [runtime.WorkerOptions].OnSettled. Drain and inline record by themselves. What
// the queue has not taken is not an attempt: the task comes again.
func (k *Kit) Record(s runtime.Settled) {
	d := &s.Decision
	if s.Err != nil || d.Task == nil && d.Settlement.Verdict != driver.Bury {
		return
	}
	ended := time.Now()
	a := Attempt{
		Queue: s.Queue, Err: d.Err, Verdict: d.Settlement.Verdict,
		Delay: d.Settlement.Delay, Reason: d.Settlement.Reason, Ended: ended,
	}
	if lease := d.Settlement.Lease; lease != nil {
		m := lease.Message()
		a.Delivered = lease.Received()
		if a.Verdict != driver.Bury && m.Carry.NotBefore.Sub(ended) > early {
			return // a hop
		}
	}
	if d.Task != nil {
		a.ID, a.Kind, a.Attempt = d.Task.ID, d.Task.Kind, d.Task.Attempt
	}
	if d.Copy != nil { // it goes on as a copy, which has the delay
		a.Verdict, a.Delay = driver.Release, max(0, d.Copy.Carry.NotBefore.Sub(ended))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.attempts = append(k.attempts, a)
}

// early is how much too early the runtime runs a task.
const early = 2 * time.Second
