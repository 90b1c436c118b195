package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// begins judges the begin of any call for a lease. The caller holds mu.
func (w *World) begins(l *lease, call string) {
	if l.busy {
		w.violated(l.task.n, "%s begins while another call for the lease is under way", call)
	}
	// Where there are batches a settle may wait for the copies of its neighbours.
	// A copy and its ack are one piece, and an ack does no harm.
	if w.weather.single && l.next != nil && l.next.arrived < w.now() && !l.confirmed && call != driver.Ack.String() {
		w.violated(l.task.n, "%s on attempt %d, although the worker has a newer lease", call, l.attempt)
	}
	l.busy = true
}

// mayExtend judges the begin of an Extend. The caller holds mu.
func (w *World) mayExtend(l *lease) {
	w.begins(l, "extend")
	l.confirmed = false
	l.extends++
	if l.sealed {
		w.violated(l.task.n, "a lease is extended after its settle")
	}
}

// extended notes what the worker learns of an Extend. The caller holds mu.
func (w *World) extended(l *lease, r driver.ExtendResult) {
	l.busy = false
	switch {
	case r.Err == nil:
		l.end, l.confirmed = r.Expires, true
	case driver.Is(r.Err, driver.LeaseLost):
		w.tellLost(l)
	default:
		l.excused, l.task.excused = true, true
	}
}

// maySettle judges the begin of a Settle. The caller holds mu.
func (w *World) maySettle(l *lease, s *driver.Settlement) {
	w.begins(l, s.Verdict.String())
	l.confirmed = false
	l.settles++
	r, n := l.run, l.task.n
	r.begin()
	if l.sealed {
		w.violated(n, "a lease is settled twice")
	}
	if s.Verdict == driver.Ack {
		if !w.mayAck(l) {
			w.violated(n, "ack of an attempt that did not succeed and was not copied")
		}
		if l.lost && r.succeeded() {
			w.met[AckedLost]++
		}
		return
	}
	switch {
	case s.Verdict == driver.Bury:
		if why := w.unfit(l, s.Reason); why != "" {
			w.violated(n, "buried as %s, but %s", s.Reason, why)
		}
	case s.Verdict != driver.Release:
		w.violated(n, "settled by %v", s.Verdict)
	}
	w.overdue(r)
	switch {
	case s.Verdict == driver.Release && r.exhausted(w.weather.maxAttempts):
		w.violated(n, "released after its last attempt")
	case r.succeeded():
		w.violated(n, "%v of an attempt that succeeded", s.Verdict)
	case r.running && !r.givenUp:
		w.violated(n, "%v while the handler runs", s.Verdict)
	case r.copied:
		w.violated(n, "%v of what was copied", s.Verdict)
	case !time.Now().Before(l.end):
		w.violated(n, "%v past the end of the lease", s.Verdict)
	case l.lost:
		w.violated(n, "%v of a lease that is known to be lost", s.Verdict)
	}
}

// overdue notes whether a handler has taken so long that its worker gives it up.
// It may yet succeed, and until it has returned its worker fails what comes of
// the task. The caller holds mu.
func (w *World) overdue(r *run) {
	if r.running && !r.givenUp && w.now()-r.beganAt >= w.weather.hard() {
		r.givenUp, r.lease.task.excused, r.lease.task.stray = true, true, true
		w.met[TimedOut]++
	}
}

// strayed says whether a handler of the task of l was given up, by now. The caller
// holds mu.
func (l *lease) strayed() bool {
	for _, other := range l.worker.leases {
		if !l.task.stray && other.task == l.task && other.run != nil {
			l.worker.world.overdue(other.run)
		}
	}
	return l.task.stray
}

// mayAck says whether a lease may be acked. The caller holds mu.
func (w *World) mayAck(l *lease) bool {
	for r := l.run; r != nil; r = r.heir {
		if r.succeeded() || r.copied {
			return true
		}
	}
	for _, c := range l.message.leases { // done with, and come again
		if c.worker == l.worker && c.run != nil && (c.run.copied || c.taken == driver.Bury || c.excused && c.run.succeeded()) {
			return true
		}
	}
	return false
}

// unfit says why a reason does not fit the attempt on a lease. The caller holds
// mu.
func (w *World) unfit(l *lease, reason string) string {
	r := l.run
	if r.begun == 0 && r.heir != nil {
		r = r.heir
	}
	switch reason {
	case driver.ReasonExhausted:
		if r.begun == 0 && !l.strayed() || r.attempt < w.weather.maxAttempts {
			return "it has attempts left"
		}
	case driver.ReasonPermanent:
		if r.outcome != Permanent {
			return "its handler did not say so"
		}
	case driver.ReasonCrashed:
		if r.begun > 0 || l.attempt <= w.maxDeliveries() {
			return "it was not delivered too often"
		}
	default:
		return "nothing gives such a reason"
	}
	return ""
}

func (w *World) maxDeliveries() int { return 2*w.weather.maxAttempts + 2 }

// settled notes what the worker learns of a Settle. The caller holds mu.
func (w *World) settled(l *lease, err error) {
	l.busy = false
	switch {
	case err == nil:
		l.sealed = true
	case driver.Is(err, driver.LeaseLost):
		w.tellLost(l)
	default:
		l.excused, l.task.excused = true, true
	}
}

// mayCopy judges the begin of a Send by a worker, and finds the lease that the
// copy is for. The caller holds mu.
func (w *World) mayCopy(by *worker, m *driver.Message) *lease {
	l := by.tagged(m.Attributes)
	if l == nil {
		w.violated(0, "worker %d sends what is no copy", by.number)
		return nil
	}
	// The copy was made when the decision was; the lease may be a newer one.
	r, n := l.run, l.task.n
	now := r.lease
	r.begin()
	w.overdue(r)
	switch left := time.Until(now.end); {
	case now.taken == driver.Ack:
		w.violated(n, "a copy is sent after the ack")
	case !now.confirmed || now.lost:
		w.violated(n, "a copy is sent on a lease that was not just extended")
	case left < w.weather.hold/2:
		w.violated(n, "a copy is sent on a lease with %v left", left)
	case r.copied:
		w.violated(n, "a second copy is sent")
	case l.message.copiedBy(by, r):
		w.violated(n, "a second copy is sent, of a message that came again")
	case r.succeeded():
		w.violated(n, "a copy is sent of an attempt that succeeded")
	}
	if want := l.nextCarry(m.Carry.Hops); m.Carry.Attempts != want.Attempts || m.Carry.Hops != want.Hops ||
		m.Carry.Snoozes != want.Snoozes || m.Carry.Redrives != want.Redrives {
		w.violated(n, "a copy carries %d attempts, %d hops, %d snoozes and %d redrives; want %d, %d, %d and %d",
			m.Carry.Attempts, m.Carry.Hops, m.Carry.Snoozes, m.Carry.Redrives, want.Attempts, want.Hops, want.Snoozes, want.Redrives)
	}
	return now
}

// copiedBy says whether a worker saw a copy taken in another run of the message. It
// remembers that, and has only to acknowledge what comes again: without it copies
// would multiply while acks fail. The caller holds World.mu.
func (m *message) copiedBy(by *worker, now *run) bool {
	return slices.ContainsFunc(m.leases, func(l *lease) bool {
		return l.worker == by && l.run != nil && l.run != now && l.run.copied
	})
}

// nextCarry is what a copy made on the lease, with so many hops, must carry.
func (l *lease) nextCarry(hops int) driver.Carry {
	c := l.carry
	switch {
	case l.run.begun == 0 && hops == c.Hops && l.strayed():
		c.Attempts = l.attempt
	case l.run.begun == 0:
		c.Hops++
	case l.run.outcome == Snoozed && !l.run.givenUp:
		c.Snoozes++
		c.Attempts = l.attempt - 1
	default:
		c.Attempts = l.attempt
	}
	return c
}

// enter judges the begin of an attempt.
func (by *worker) enter(t *runtime.Task[job]) (*run, script) {
	w := by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers++
	l := by.tagged(t.Attributes)
	if l == nil || l.run == nil || l.task.n != t.Args.N || l.task.id != t.ID || l.carry.Redrives != t.Redrives ||
		t.Attempt > l.attempt || t.Attempt < l.attempt-l.behind() {
		w.violated(t.Args.N, "worker %d runs attempt %d of %s, which fits no delivery", by.number, t.Attempt, t.ID)
		return nil, script{}
	}
	r, n := l.run, l.task.n
	r.begin()
	l.attempt = t.Attempt
	w.note(Event{Worker: by.number, Task: n, Attempt: l.attempt, What: Began})
	switch early := time.Until(l.message.due); {
	case r.running:
		w.violated(n, "it runs twice at once on one delivery")
	case r.begun > 0 && r.outcome != Snoozed:
		w.violated(n, "it runs again on a delivery that was decided")
	case r.begun > 0 && time.Now().Before(r.due):
		w.violated(n, "it wakes %v early", time.Until(r.due))
	case l.attempt > w.maxDeliveries():
		w.violated(n, "it runs at delivery %d of at most %d", l.attempt, w.maxDeliveries())
	case l.task.done > 0 && !l.task.excused:
		w.violated(n, "it runs again after a success, and no fault explains it")
	case time.Since(l.end) >= readingTime: // it may have ended while the runner looked at it
		w.violated(n, "it begins on a lease past its end")
	case early > tolerance:
		w.violated(n, "it runs %v early", early)
	}
	if l.task.group > 0 {
		w.inOrder(l)
	}
	if r.begun > 0 {
		w.met[Woken]++
	}
	if l.attempt > w.weather.maxAttempts {
		w.met[Beyond]++
	}
	if l.task.done > 0 {
		w.met[RanAgain]++
	}
	if t.Redrives > 0 && !w.calm {
		w.met[CameBack]++
	}
	s := w.scriptOf(l.dice.of(aboutRun).of(r.begun), l.task)
	r.begun++
	r.running, r.beganAt, r.attempt = true, w.now(), l.attempt
	return r, s
}

// tolerance is how early a task may run; see DESIGN, section 4.
const tolerance = 2 * time.Second

// inOrder judges the begin of an attempt in an ordered group. The caller holds
// mu.
func (w *World) inOrder(l *lease) {
	for _, m := range w.groups[l.task.group] {
		if m.number < l.message.number && !m.gone && len(m.leases) < w.weather.maxReceives { // else the broker buries it
			w.violated(l.task.n, "it overtakes task %d of its group", m.task.n)
			return
		}
		if m.number < l.message.number && len(m.leases) > 1 {
			w.met[Waited]++
		}
	}
}

// leave judges the end of an attempt.
func (by *worker) leave(ctx context.Context, r *run, s *script, outcome Outcome) {
	w := by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers--
	l := r.lease
	t := l.task
	w.overdue(r)
	r.running, r.outcome = false, outcome
	if outcome == OK {
		t.done++
	}
	if by.killed {
		return
	}
	w.note(Event{Worker: by.number, Task: t.n, Attempt: r.attempt, What: Ended, Outcome: outcome})
	const late = 10 * time.Millisecond
	if ctx.Err() == nil {
		switch {
		case time.Since(l.end) > late:
			w.violated(t.n, "its context lives on %v after the end of its lease", time.Since(l.end))
		case l.lost && w.now()-l.lostAt > late:
			w.violated(t.n, "its context lives on %v after its lease was lost", w.now()-l.lostAt)
		}
	}
	r.due = time.Time{}
	switch outcome {
	case CutShort:
		if errors.Is(context.Cause(ctx), runtime.ErrDraining) {
			w.met[Drained]++
		}
		if cause := context.Cause(ctx); !errors.Is(cause, runtime.ErrLeaseLost) && !errors.Is(cause, runtime.ErrDraining) && !errors.Is(cause, runtime.ErrTimeout) {
			w.violated(t.n, "its context ended by %v", cause)
		}
	case Snoozed, RetryLater:
		if s.pauses {
			w.met[Paused]++
		}
		if !w.weather.parks && ctx.Err() == nil {
			r.due = time.Now().Add(s.delay)
		}
	}
}

// exhausted says whether the last attempt that is allowed has failed.
func (r *run) exhausted(most int) bool {
	if r.begun == 0 || r.running || r.attempt < most || r.lease.attempt != r.attempt {
		return false
	}
	switch r.outcome {
	case Failed, RetryLater, Panicked, Exited:
		return true
	}
	return false
}

// settleTime is what a call takes that is neither slow nor hangs.
const settleTime = 10 * time.Millisecond

// givenBack judges what a worker that has ended did with the deliveries that it
// did not start. The caller holds mu.
func (w *World) givenBack(by *worker) {
	if by.killed {
		return
	}
	for _, l := range by.leases {
		if w.now()-l.arrived < settleTime {
			continue // there was no time to
		}
		if l.run != nil && l.run.begun == 0 && l.run.heir == nil && l.run.lease == l && l.taken == 0 && !w.innocent(l) {
			w.violated(l.task.n, "worker %d has ended and did not give it back", by.number)
		}
	}
}

// reported judges what a worker says of a delivery that it is done with. The
// caller holds mu.
func (w *World) reported(by *worker, s runtime.Settled) {
	l := leaseOf(s.Decision.Settlement.Lease)
	if l == nil {
		if l = by.lastOf(s.MessageID); l == nil {
			w.violated(0, "worker %d reports message %s, which it did not get", by.number, s.MessageID)
			return
		}
	}
	r := l.run
	r.begin()
	e := Event{Worker: by.number, Task: l.task.n, Attempt: l.attempt, What: Reported}
	switch {
	case driver.Is(s.Err, driver.LeaseLost) || errors.Is(s.Err, runtime.ErrLeaseLost):
		e.Outcome = Lost
	case s.Err != nil:
		e.Outcome = Failed
	}
	w.note(e)
	if r.reported {
		w.violated(l.task.n, "a delivery is reported twice")
	}
	r.reported = true
	if s.Decision.Err != nil {
		by.errors++
	}
	if s.Err == nil && s.Decision.Settlement.Verdict == driver.Bury {
		by.deaths++
	}
	for ; r.begun == 0 && r.heir != nil; r = r.heir {
		r.heir.reported = true
	}
	if s.Err == nil && !l.sealed {
		w.violated(l.task.n, "%v is reported, but the queue did not say that it took it", s.Decision.Settlement.Verdict)
	}
}

// told takes in what OnError says. The caller holds mu.
func (w *World) told(by *worker, _ runtime.Settled) { by.errors-- }

// toldDead judges what OnDead says. The caller holds mu.
func (w *World) toldDead(by *worker, s runtime.Settled) {
	by.deaths--
	m, _ := w.messageOf(s.MessageID, w.tasks[0])
	if !slices.ContainsFunc(m.leases, func(l *lease) bool { return l.taken == driver.Bury }) {
		w.violated(m.task.n, "OnDead tells of it, and the queue did not bury it")
	}
}

// lastOf is the worker's newest lease of a message that it has not reported. The
// caller holds mu.
func (by *worker) lastOf(id string) *lease {
	for _, l := range slices.Backward(by.leases) {
		if l.run != nil && !l.run.reported && l.Lease.Message().ID == id {
			return l
		}
	}
	return nil
}
