package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Event is one thing that happened.
type Event struct {
	At      time.Duration // since the World began
	Worker  int           // 0 when none did it
	Task    int           // from 1; 0 when it is about none
	Attempt int
	What    What
	Outcome Outcome
	For     time.Duration // a delay, or how long a lease runs
}

// What is the kind of an Event.
type What uint8

const (
	Enqueued What = iota + 1
	Stored        // by a send of the client
	Copied        // by a send of a worker
	Received
	Extended
	Began
	Ended // an attempt
	Acked
	Released
	Buried
	Reported // to OnSettled
	Redriven
	Withdrawn
	Started // a worker
	Draining
	Killed
	Stopped
	Calm
)

var whats = [...]string{
	"?", "enqueued", "stored", "copied", "received", "extended", "began", "ended", "acked", "released", "buried",
	"reported", "redriven", "withdrawn", "worker started", "worker drains", "worker killed", "worker stopped", "calm",
}

// Outcome is how it went.
type Outcome uint8

const (
	OK Outcome = iota
	Failed
	Lost
	Panicked
	Exited
	Permanent
	Snoozed
	RetryLater
	CutShort // by the end of its context
)

var outcomes = [...]string{
	"ok", "failed", "lease lost", "panicked", "ended its goroutine", "failed for good", "snoozed", "failed with a delay", "cut short",
}

// String is the event in a line.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%14.9fs", e.At.Seconds())
	if e.Worker > 0 {
		fmt.Fprintf(&b, "  worker %-2d", e.Worker)
	} else {
		b.WriteString("           ")
	}
	if e.Task > 0 {
		fmt.Fprintf(&b, "  task %-3d attempt %d", e.Task, e.Attempt)
	}
	fmt.Fprintf(&b, "  %s", whats[e.What])
	if e.Outcome != OK {
		fmt.Fprintf(&b, ": %s", outcomes[e.Outcome])
	}
	if e.For != 0 {
		fmt.Fprintf(&b, " (%v)", e.For)
	}
	return b.String()
}

// History is what happened, in the order in which it was written down. That is
// by chance for what happened at the same instant; Sorted has a form without it,
// which hides no consequence of that chance: those happen later.
type History []Event

// Sorted is h in that form; it sorts h itself.
func (h History) Sorted() History {
	slices.SortFunc(h, func(a, b Event) int {
		return cmp.Or(
			cmp.Compare(a.At, b.At), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Task, b.Task),
			cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.What, b.What), cmp.Compare(a.Outcome, b.Outcome),
			cmp.Compare(a.For, b.For),
		)
	})
	return h
}

// Of is the part about one task, and about the workers that met it.
func (h History) Of(task int) History {
	met := make(map[int]bool)
	for _, e := range h {
		if e.Task == task {
			met[e.Worker] = true
		}
	}
	var part History
	for _, e := range h {
		if e.Task == task || e.Task == 0 && (e.Worker == 0 || met[e.Worker]) {
			part = append(part, e)
		}
	}
	return part
}

// String is one event a line.
func (h History) String() string {
	var b strings.Builder
	for _, e := range h {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Difference is the first event in which two histories differ, in words; "" for
// none.
func Difference(a, b History) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("event %d:\n%v\n%v", i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%d and %d events", len(a), len(b))
	}
	return ""
}
