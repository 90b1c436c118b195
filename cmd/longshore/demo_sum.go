package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// demoSum is the tally added up with what the queue has.
type demoSum struct {
	demoTally
	listed     int  // in the dead letter after the first act
	redriven   int  // as the redrive said
	dead       int  // in the dead letter at the end
	unfinished int  // on the queue at the end
	lost       int  // of neither kind, and not succeeded
	complete   bool // the story came to its end
	problems   []error
}

// ok says whether the story came to its end and all adds up.
func (s *demoSum) ok() bool { return s.complete && len(s.problems) == 0 }

// sum adds up; problems are those so far. What is compared is what the queue has
// with what the workers said of it.
func (s *story) sum(ctx context.Context, complete bool, problems []error) *demoSum {
	sum := &demoSum{demoTally: s.ledger.snapshot(), listed: s.listed, redriven: s.moved, complete: complete, problems: problems}
	stats, err := s.queue.Stats(ctx)
	if err != nil {
		sum.problems = append(sum.problems, err)
		return sum
	}
	sum.dead = int(stats.Dead)
	open := sum.sent - sum.succeeded - sum.dead
	sum.unfinished = min(max(0, open), int(stats.Ready+stats.Leased+stats.Delayed))
	sum.lost = max(0, open-sum.unfinished)
	sum.check()
	return sum
}

// check adds to the problems what does not add up. Of a story that was interrupted
// less is known.
func (s *demoSum) check() {
	fail := func(format string, args ...any) { s.problems = append(s.problems, fmt.Errorf(format, args...)) }
	c := counts{Sent: s.sent, Succeeded: s.succeeded, Dead: s.dead, Unfinished: s.unfinished, Lost: s.lost}
	if err := c.check(); err != nil {
		fail("%w", err)
	}
	if ends := s.succeeded + s.duplicates + s.retried + s.buried + s.cut + s.interrupted; ends != s.runs {
		fail("%s began, but %d ended", count(s.runs, "run"), ends)
	}
	if !s.complete {
		return
	}
	if s.buried != s.listed {
		fail("%s died, but the dead letter had %d", count(s.buried, "task"), s.listed)
	}
	if s.redriven != s.listed || s.rerun != s.redriven {
		fail("of %s %d were sent back, and %d ran again", count(s.listed, "dead letter"), s.redriven, s.rerun)
	}
	if s.redelivered != s.cut {
		fail("%s ended with their worker, but %d came back", count(s.cut, "run"), s.redelivered)
	}
	if s.unfinished > 0 || s.dead > 0 {
		fail("%d are unfinished and %d dead, although nothing is wrong with them any more", s.unfinished, s.dead)
	}
}

// demoAccounting is what demo --json prints. Its fields are stable.
type demoAccounting struct {
	accounting
	Redriven     int `json:"redriven"`
	Retries      int `json:"retries"`
	Buried       int `json:"buried"`
	Redelivered  int `json:"redelivered"`
	OutlivedHold int `json:"outlived_hold"`
	Extensions   int `json:"extensions"`
}

func (s *demoSum) writeJSON(to io.Writer, elapsed time.Duration) error {
	return writeJSON(to, demoAccounting{
		accounting: accounting{
			Sent: s.sent, Succeeded: s.succeeded, Dead: s.dead, Unfinished: s.unfinished,
			Duplicates: s.duplicates, Lost: s.lost, Attempts: s.runs, ElapsedMS: elapsed.Milliseconds(),
		},
		Redriven: s.redriven, Retries: s.retried, Buried: s.buried, Redelivered: s.redelivered,
		OutlivedHold: s.outlived, Extensions: s.extensions,
	})
}
