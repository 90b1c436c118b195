package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// demoWidth is the most columns of a line of the story.
const demoWidth = 80

// demoGuide is where the guide is; each act names the part to read next.
const demoGuide = "docs/guide/delivery.md"

// teller prints the story, in whole lines. It is safe for concurrent use.
type teller struct {
	begun  time.Time
	broken context.CancelFunc // called when the output fails

	mu  sync.Mutex
	to  io.Writer // guarded by mu
	err error     // guarded by mu; the first failure, after which nothing is written
}

func newTeller(to io.Writer, broken context.CancelFunc) *teller {
	return &teller{begun: time.Now(), to: to, broken: broken}
}

// failure is why not all was written.
func (t *teller) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// say prints lines, each cut to the width.
func (t *teller) say(lines ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range lines {
		if t.err != nil {
			return
		}
		if _, t.err = io.WriteString(t.to, cutLine(escapeLine(line))+"\n"); t.err != nil {
			t.broken()
		}
	}
}

// cutLine cuts a line that is too wide, with a mark.
func cutLine(line string) string {
	if r := []rune(line); len(r) > demoWidth {
		return string(r[:demoWidth-1]) + "…"
	}
	return line
}

// event prints something that happened just now.
func (t *teller) event(format string, args ...any) {
	t.say(fmt.Sprintf("  %5.1fs  ", time.Since(t.begun).Seconds()) + fmt.Sprintf(format, args...))
}

// act begins a part of the story. Part is the section of the guide to read.
func (t *teller) act(title, part string, lines ...string) {
	t.say("", title, strings.Repeat("-", len(title)))
	t.say(lines...)
	if part != "" {
		t.say("Read next: " + demoGuide + ", " + part + ".")
	}
	t.say("")
}

func (t *teller) opening() {
	t.say("A queue in memory, two workers, and what goes wrong with tasks, in ten seconds.",
		"A worker leases a task for "+demoHold.String()+", and extends the lease while it runs it.")
}

func (t *teller) goWrong(tasks []demoTask) {
	n := make(map[trouble]int)
	for _, task := range tasks {
		n[task.trouble]++
	}
	poison := n[badCurrency] + n[badDate] + n[badSignature] + n[badRegion]
	t.act("1. Things go wrong", "Leases and heartbeat",
		fmt.Sprintf("  %2d mails     of which %d fail once: they run again after a short, random wait", n[noTrouble]+n[failsOnce], n[failsOnce]),
		fmt.Sprintf("  %2d videos    take %v, longer than the hold: their leases are extended", n[outlivesHold], demoLongTask),
		fmt.Sprintf("  %2d reports   lose their worker: when their hold is over, others run them", n[losesWorker]),
		fmt.Sprintf("  %2d imports   fail each time, for a bug: they end in the dead letter", poison))
}

func (t *teller) listDead(now demoTally) {
	t.act("2. The dead letters", "Dead letters and redrive",
		fmt.Sprintf("%d of %d tasks have succeeded and %d are dead. Nothing is dropped: a task that", now.succeeded, now.sent, now.buried),
		"failed for good is kept, with the reason. Looking at it changes nothing.")
	t.say(fmt.Sprintf(deadRow, "task", "kind", "reason", "attempts", "error"))
}

// deadRow is a line of the list of dead letters.
const deadRow = "  %-9s %-13s %-13s %-9v %s"

// dead prints one dead letter.
func (t *teller) dead(d *runtime.DeadTask) {
	t.say(fmt.Sprintf(deadRow, d.ID, d.Kind, d.Death.Reason, d.Death.Attempts, d.Death.Detail))
}

func (t *teller) redrive() {
	t.act("3. The redrive", "Idempotency",
		"The bug is fixed, and the dead letters are sent back. They run again as the",
		"same tasks: their ids are the old ones, and their attempts start anew.")
}

// report prints the accounting.
func (s *demoSum) report(t *teller) {
	t.act("4. The accounting", "",
		"It is added up from what the workers, the redrive and the queue said.")
	row := func(n int, format string, args ...any) {
		t.say(fmt.Sprintf("  %4d ", n) + fmt.Sprintf(format, args...))
	}
	row(s.sent, "tasks     = %d succeeded + %d dead + %d unfinished + %d lost", s.succeeded, s.dead, s.unfinished, s.lost)
	row(s.runs, "runs      = %d succeeded + %d retried + %d buried + %d cut off", s.succeeded, s.retried, s.buried, s.cut)
	if s.duplicates+s.interrupted > 0 {
		t.say(fmt.Sprintf("                 + %d repeated + %d interrupted", s.duplicates, s.interrupted))
	}
	row(s.redriven, "redriven  of %d that were buried; %d ran again, under their old ids", s.buried, s.rerun)
	row(s.redelivered, "came back, of %d whose worker was cut off", s.cut)
	row(s.outlived, "outlived their hold in a single run; %d lease extensions in all", s.extensions)
	row(s.duplicates, "ran again although they had succeeded")
	t.say("")
	switch {
	case len(s.problems) > 0:
		t.say("It does not add up:")
		for _, problem := range s.problems {
			t.say("  " + brief(problem.Error()))
		}
	case !s.complete:
		t.say("The story was interrupted, so some tasks are unfinished. None is lost.")
	default:
		t.say("It adds up: nothing was lost. A worker that is cut off between a task's work and",
			"its ack makes it run twice: make handlers idempotent by the task's id.",
			"",
			"Read next: "+demoGuide,
			"Try next:  longshore run --help, with tasks of your own")
	}
}
