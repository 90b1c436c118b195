package simulation

import (
	"context"
	"errors"
	goruntime "runtime"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// script is what a handler does in one attempt.
type script struct {
	outcome  Outcome
	takes    time.Duration
	deaf     bool // it ignores its context
	delay    time.Duration
	pauses   bool          // it is snoozed because it pauses its queue
	insists  bool          // cut short, it still succeeds
	reaction time.Duration // from the end of its context to its return
}

// scriptOf is what the handler does in the attempt at a task that d is about. The
// caller holds mu.
func (w *World) scriptOf(d dice, t *task) script {
	s := script{takes: d.between(1, time.Millisecond, 300*time.Millisecond), reaction: d.between(2, time.Microsecond, 3*time.Millisecond)}
	if w.calm {
		return s
	}
	switch n := d.below(3, 1000); {
	case n < 600:
	case n < 850:
		s.takes = d.between(4, 300*time.Millisecond, 2*time.Second)
	case n < 965:
		s.takes = d.between(4, 2*time.Second, 5*time.Second)
	default:
		s.takes = d.between(4, w.weather.hold, 2*w.weather.hold)
	}
	s.insists = d.in1000(5, 200)
	failing := w.weather.failing
	if t.dice.in1000(9, 20) {
		failing = 950 // poison
	}
	switch n := d.below(6, 1000); {
	case n < failing*6/10:
		s.outcome = Failed
	case n < failing*8/10:
		s.outcome, s.delay = RetryLater, d.between(7, 0, 5*time.Second)
	case n < failing*17/20:
		s.outcome = Permanent
	case n < failing*19/20:
		s.outcome, s.delay = Snoozed, d.between(7, 0, 8*time.Second)
		// A task of a group would wake at the very instant at which its pause ends.
		s.pauses = w.weather.limited && t.group == 0 && s.delay > 0 && d.in1000(10, 500)
	case n < failing:
		s.outcome = CutShort // waits for the end of its context, if that comes
		s.takes = max(s.takes, d.between(4, w.weather.hold, 2*w.weather.hold))
	case n < failing+w.weather.handlers:
		s.outcome = Panicked
	case n < failing+w.weather.handlers*5/4:
		s.outcome = Exited
	}
	if s.deaf = d.in1000(8, w.weather.handlers); s.deaf && w.weather.timeout > 0 {
		s.takes = d.between(4, w.weather.hold, 2*w.weather.hold)
	}
	return s
}

var (
	errBoom  = errors.New("boom")
	errDead  = errors.New("the worker is dead")
	errEnded = errors.New("the context has ended")
)

// handle is the handler of every task.
func (by *worker) handle(ctx context.Context, t *runtime.Task[job]) error {
	r, s := by.enter(t)
	if r == nil {
		return errBoom
	}
	outcome := s.outcome
	defer func() { by.leave(ctx, r, &s, outcome) }()
	switch err := by.wait(ctx, &s); {
	case errors.Is(err, errDead):
		outcome = CutShort
		return errBoom
	case err != nil:
		sleep(s.reaction)
		if s.insists {
			outcome = OK
			return nil
		}
		outcome = CutShort
		return ctx.Err()
	}
	if outcome == CutShort {
		outcome = Failed
	}
	switch outcome {
	case Failed:
		return errBoom
	case RetryLater:
		return runtime.RetryAfter(s.delay, errBoom)
	case Snoozed:
		if s.pauses {
			return runtime.PauseQueue(s.delay, errBoom)
		}
		return runtime.Snooze(s.delay)
	case Permanent:
		return runtime.Permanent(errBoom)
	case Panicked:
		panic(errBoom)
	case Exited:
		goruntime.Goexit()
	}
	return nil
}

// glance is about how often a handler looks at its context.
const glance = 600 * time.Millisecond

// wait lets a handler take its time: errDead when its worker is killed meanwhile,
// errEnded when its context ends and it heeds that. It looks now and then, which
// costs less than to be told.
func (by *worker) wait(ctx context.Context, s *script) error {
	looks := 1 + s.takes/glance
	for range looks {
		sleep(s.takes / looks)
		switch {
		case by.cut.Load():
			return errDead
		case ctx.Err() != nil && !s.deaf:
			return errEnded
		}
	}
	return nil
}
