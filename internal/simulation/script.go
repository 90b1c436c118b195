package simulation

import (
	"context"
	"errors"
	goruntime "runtime"
	"strconv"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// script is what a handler does in one attempt.
type script struct {
	outcome  Outcome
	takes    time.Duration
	deaf     bool // it ignores its context
	delay    time.Duration
	insists  bool          // cut short, it still succeeds
	reaction time.Duration // from the end of its context to its return
}

// scriptOf is what the handler does on a lease. The caller holds mu.
func (w *World) scriptOf(l *lease) script {
	d := l.dice.of(aboutRun)
	s := script{takes: d.between(1, time.Millisecond, 300*time.Millisecond), reaction: d.between(2, time.Microsecond, 3*time.Millisecond)}
	if w.calm {
		return s
	}
	switch n := d.below(3, 1000); {
	case n < 600:
	case n < 850:
		s.takes = d.between(4, 300*time.Millisecond, 2*time.Second)
	case n < 960:
		s.takes = d.between(4, 2*time.Second, 5*time.Second)
	default:
		s.takes = d.between(4, w.weather.hold, 5*w.weather.hold/2)
	}
	s.insists = d.in1000(5, 200)
	failing := w.weather.failing
	if l.task.dice.in1000(9, 20) {
		failing = 950 // poison
	}
	switch n := d.below(6, 1000); {
	case n < failing*6/10:
		s.outcome = Failed
	case n < failing*8/10:
		s.outcome, s.delay = RetryLater, d.between(7, 0, 5*time.Second)
	case n < failing*9/10:
		s.outcome = Permanent
	case n < failing:
		s.outcome = CutShort // waits for the end of its context, if that comes
		s.takes = max(s.takes, d.between(4, w.weather.hold, 2*w.weather.hold))
	case n < failing+w.weather.handlers:
		s.outcome = Panicked
	case n < failing+w.weather.handlers*5/4:
		s.outcome = Exited
	}
	s.deaf = d.in1000(8, w.weather.handlers)
	return s
}

var errBoom = errors.New("boom")

// handle is the handler of every task.
func (by *worker) handle(ctx context.Context, t *runtime.Task[job]) error {
	l, s := by.enter(t)
	if l == nil {
		return errBoom
	}
	outcome := s.outcome
	defer func() { by.leave(ctx, l, outcome) }()
	switch by.wait(ctx, &s) {
	case errDead:
		outcome = CutShort
		return errDead
	case context.Canceled:
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
	case Permanent:
		return runtime.Permanent(errBoom)
	case Panicked:
		panic(errBoom)
	case Exited:
		goruntime.Goexit()
	}
	return nil
}

// wait lets a handler take its time: errDead when its worker is killed meanwhile,
// context.Canceled when its context ends and it heeds that.
func (by *worker) wait(ctx context.Context, s *script) error {
	ended := func() error {
		switch {
		case by.cut.Load():
			return errDead
		case ctx.Err() != nil && !s.deaf:
			return context.Canceled
		}
		return nil
	}
	if s.takes < 400*time.Millisecond { // it looks at its context once, at the end
		sleep(s.takes)
		return ended()
	}
	timer := time.NewTimer(s.takes)
	defer timer.Stop()
	stop := ctx.Done()
	if s.deaf {
		stop = nil
	}
	select {
	case <-timer.C:
		return nil
	case <-by.dead:
	case <-stop:
	}
	return ended()
}

// enter judges the begin of an attempt.
func (by *worker) enter(t *runtime.Task[job]) (*lease, script) {
	w := by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers++
	task := w.tasks[t.Args.N-1]
	var l *lease
	if i, err := strconv.Atoi(t.Attributes[tag]); err == nil && i < len(by.leases) {
		l = by.leases[i]
	}
	if l == nil || l.task != task || l.began || l.attempt != t.Attempt || l.carry.Redrives != t.Redrives {
		w.handlers--
		w.violated(task.n, "worker %d runs attempt %d, which fits no delivery", by.number, t.Attempt)
		return nil, script{}
	}
	l.leave()
	l.began = true
	w.note(Event{Worker: by.number, Task: task.n, Attempt: l.attempt, What: Began})
	switch {
	case task.id != t.ID:
		w.violated(task.n, "it runs under id %s", t.ID)
	case l.attempt > w.maxDeliveries():
		w.violated(task.n, "it runs at delivery %d of at most %d", l.attempt, w.maxDeliveries())
	case task.done > 0 && !task.excused:
		w.violated(task.n, "it runs again after a success, and no fault explains it")
	case !time.Now().Before(l.end):
		w.violated(task.n, "it begins on a lease past its end")
	}
	if early := time.Until(l.message.due); early > tolerance {
		w.violated(task.n, "it runs %v early", early)
	}
	if task.group > 0 {
		w.inOrder(l)
	}
	return l, w.scriptOf(l)
}

// tolerance is how early a task may run; see DESIGN, section 4.
const tolerance = 2 * time.Second

// inOrder judges the begin of an attempt in an ordered group. The caller holds
// mu.
func (w *World) inOrder(l *lease) {
	for _, m := range w.groups[l.task.group].messages {
		if m.number < l.message.number && !m.gone {
			w.violated(l.task.n, "it overtakes task %d of its group", m.task.n)
			return
		}
	}
}

// leave judges the end of an attempt.
func (by *worker) leave(ctx context.Context, l *lease, outcome Outcome) {
	w := by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers--
	l.ended, l.outcome = true, outcome
	t := l.task
	if by.killed {
		return
	}
	w.note(Event{Worker: by.number, Task: t.n, Attempt: l.attempt, What: Ended, Outcome: outcome})
	const late = 10 * time.Millisecond
	if ctx.Err() == nil {
		switch {
		case time.Since(l.end) > late:
			w.violated(t.n, "its context lives on %v after the end of its lease", time.Since(l.end))
		case l.lost && w.now()-l.lostAt > late:
			w.violated(t.n, "its context lives on %v after its lease was lost", w.now()-l.lostAt)
		}
	}
	switch outcome {
	case OK:
		t.done++
	case CutShort:
		if cause := context.Cause(ctx); !errors.Is(cause, runtime.ErrLeaseLost) && !errors.Is(cause, runtime.ErrDraining) {
			w.violated(t.n, "its context ended by %v", cause)
		}
	case RetryLater, Snoozed:
	}
}
