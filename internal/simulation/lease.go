package simulation

import (
	"strconv"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// lease is one that a worker got, with all that is to be known to judge what the
// worker does with it.
type lease struct {
	driver.Lease
	worker  *worker
	message *message
	task    *task
	carry   driver.Carry
	attempt int // of the task
	dice    dice
	tag     map[string]string // its attributes, which tell a handler which lease it is on

	// All below is guarded by World.mu.
	end     time.Time // as the worker was told
	busy    bool      // a call is under way
	fault   fault     // of that call
	extends int
	settles int

	confirmed bool // the last call was an Extend that the worker saw succeed
	lost      bool // the worker was told so
	lostAt    time.Duration
	sealed    bool           // the worker saw a settle succeed
	taken     driver.Verdict // what the broker took; 0 for nothing
	short     bool           // it ends sooner at the broker than it says
	excused   bool           // a fault explains what becomes of it
	copies    int            // that the broker took
	copied    bool           // the worker saw one taken
	began     bool           // its handler did
	ended     bool
	outcome   Outcome
	waiting   bool // neither begun nor decided
	reported  bool
}

// As takes a **lease, and what the driver's takes.
func (l *lease) As(target any) bool {
	if p, ok := target.(**lease); ok {
		*p = l
		return true
	}
	return l.Lease.As(target)
}

// tag is the attribute that has a lease's place among those of its worker.
const tag = "lease"

func (l *lease) Message() driver.Message {
	m := l.Lease.Message()
	m.Attributes = l.tag
	return m
}

func leaseOf(l driver.Lease) *lease {
	var own *lease
	if l == nil || !l.As(&own) {
		return nil
	}
	return own
}

// receive takes a lease into the books, before the worker sees it. The caller
// holds mu.
func (w *World) receive(by *worker, inner driver.Lease) *lease {
	m := inner.Message()
	t := w.taskOf(m.Body)
	if t == nil {
		w.violated(0, "message %s is no task of this world", m.ID)
		t = w.tasks[0]
	}
	message := w.messageOf(m.ID, t)
	l := &lease{
		Lease: inner, worker: by, message: message, task: t, carry: m.Carry,
		attempt: m.Carry.Attempts + inner.Attempt(), end: inner.Expires(), excused: true,
	}
	l.dice = t.dice.of(l.attempt).of(m.Carry.Redrives<<20 | m.Carry.Snoozes<<10 | m.Carry.Hops)
	w.note(Event{Worker: by.number, Task: t.n, Attempt: l.attempt, What: Received, For: l.end.Sub(time.Now())})
	if before := message.last; before != nil && before.taken == 0 {
		w.lapsed(before)
	}
	if message.gone {
		w.violated(t.n, "message %s is delivered after the broker took its end", m.ID)
	}
	l.tag = map[string]string{tag: strconv.Itoa(len(by.leases))}
	by.leases = append(by.leases, l)
	message.last = l
	t.leases = append(t.leases, l)
	return l
}

// arrived notes that the worker has got the lease. Until then nobody is to blame
// for what becomes of it. The caller holds mu.
func (l *lease) arrived(by *worker) {
	l.waiting, l.excused = true, l.short
	by.received++
	by.waiting++
}

// lapsed judges a lease whose message was delivered again although it was not
// settled. The caller holds mu.
func (w *World) lapsed(l *lease) {
	by := l.worker
	if !l.excused && !by.killed && !by.stopped && time.Duration(by.excused) < l.end.Sub(w.start) {
		w.violated(l.task.n, "the lease of worker %d lapsed without a fault", by.number)
	}
	l.task.excused = true
}

// leave ends the wait of a lease for its handler or its decision. The caller
// holds mu.
func (l *lease) leave() {
	if l.waiting {
		l.waiting = false
		l.worker.waiting--
	}
}

// mayExtend judges the begin of an Extend. The caller holds mu.
func (w *World) mayExtend(l *lease) {
	w.occupy(l, "extend")
	if l.sealed {
		w.violated(l.task.n, "a lease is extended after its settle")
	}
	l.extends++
}

// occupy judges the begin of any call. The caller holds mu.
func (w *World) occupy(l *lease, call string) {
	if l.busy {
		w.violated(l.task.n, "%s begins while another call for the lease is under way", call)
	}
	l.busy = true
	l.confirmed = false
}

// maySettle judges the begin of a Settle. The caller holds mu.
func (w *World) maySettle(l *lease, s *driver.Settlement) {
	w.occupy(l, s.Verdict.String())
	l.settles++
	l.leave()
	n := l.task.n
	if l.sealed {
		w.violated(n, "a lease is settled twice")
	}
	succeeded := l.ended && l.outcome == OK
	switch s.Verdict {
	case driver.Ack:
		if !succeeded && !l.copied {
			w.violated(n, "ack of an attempt that did not succeed, and was not copied")
		}
		return
	case driver.Release:
	case driver.Bury:
		if why := w.unfit(l, s.Reason); why != "" {
			w.violated(n, "buried as %s, but %s", s.Reason, why)
		}
	default:
		w.violated(n, "settled by %v", s.Verdict)
	}
	if succeeded {
		w.violated(n, "%v of an attempt that succeeded", s.Verdict)
	}
	if l.began && !l.ended {
		w.violated(n, "%v while the handler runs", s.Verdict)
	}
	if l.copied {
		w.violated(n, "%v of what was copied", s.Verdict)
	}
	if !time.Now().Before(l.end) {
		w.violated(n, "%v past the end of the lease", s.Verdict)
	}
	if l.lost {
		w.violated(n, "%v of a lease that is known to be lost", s.Verdict)
	}
}

// unfit says why a reason does not fit the attempt on a lease. The caller holds
// mu.
func (w *World) unfit(l *lease, reason string) string {
	switch reason {
	case driver.ReasonExhausted:
		if !l.ended || l.attempt < w.weather.maxAttempts {
			return "it has attempts left"
		}
	case driver.ReasonPermanent:
		if l.outcome != Permanent {
			return "its handler did not say so"
		}
	case driver.ReasonCrashed:
		if l.began || l.attempt <= w.maxDeliveries() {
			return "it was not delivered too often"
		}
	default:
		return "nothing gives such a reason"
	}
	return ""
}

func (w *World) maxDeliveries() int { return 2*w.weather.maxAttempts + 2 }

// mayCopy judges the begin of a Send by a worker, and finds the lease that the
// copy is for. The caller holds mu.
func (w *World) mayCopy(by *worker, m *driver.Message) *lease {
	t := w.taskOf(m.Body)
	if t == nil {
		w.violated(0, "worker %d sends what is no task", by.number)
		return nil
	}
	var l *lease
	for _, c := range t.leases {
		if c.worker == by && c.confirmed && !c.sealed {
			l = c
		}
	}
	if l == nil {
		w.violated(t.n, "worker %d sends a copy without a lease that was just confirmed", by.number)
		return nil
	}
	if left := time.Until(l.end); left < w.weather.hold/2 {
		w.violated(t.n, "a copy is sent on a lease with %v left", left)
	}
	if l.copied {
		w.violated(t.n, "a second copy is sent")
	}
	l.leave()
	switch want := l.nextCarry(); {
	case m.Carry.Attempts != want.Attempts || m.Carry.Hops != want.Hops || m.Carry.Snoozes != want.Snoozes:
		w.violated(t.n, "a copy carries %d attempts, %d hops and %d snoozes; want %d, %d and %d",
			m.Carry.Attempts, m.Carry.Hops, m.Carry.Snoozes, want.Attempts, want.Hops, want.Snoozes)
	case m.Carry.Redrives != l.carry.Redrives:
		w.violated(t.n, "a copy carries %d redrives, not %d", m.Carry.Redrives, l.carry.Redrives)
	case l.ended && l.outcome == OK:
		w.violated(t.n, "a copy is sent of an attempt that succeeded")
	}
	return l
}

// nextCarry is what a copy for the lease must carry.
func (l *lease) nextCarry() driver.Carry {
	c := l.carry
	switch {
	case !l.began:
		c.Hops++
	case l.outcome == Snoozed:
		c.Snoozes++
		c.Attempts = l.attempt - 1
	default:
		c.Attempts = l.attempt
	}
	return c
}

// took notes that the broker took a settlement. The caller holds mu.
func (w *World) took(l *lease, s *driver.Settlement) {
	e := Event{Worker: l.worker.number, Task: l.task.n, Attempt: l.attempt, For: s.Delay}
	l.taken = s.Verdict
	switch s.Verdict {
	case driver.Ack:
		e.What = Acked
		l.message.gone = true
	case driver.Release:
		e.What = Released
	case driver.Bury:
		e.What = Buried
		l.message.gone = true
	}
	w.note(e)
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

// settled notes what the worker learns of a Settle. The caller holds mu.
func (w *World) settled(l *lease, err error) {
	l.busy = false
	switch {
	case err == nil:
		l.sealed = true
	case driver.Is(err, driver.LeaseLost):
		w.tellLost(l)
	}
	if err != nil {
		l.task.excused = true
	}
}

// tellLost notes that the worker learns that it lost a lease. The caller holds
// mu.
func (w *World) tellLost(l *lease) {
	if !l.lost {
		l.lost, l.lostAt = true, w.now()
	}
	if !l.excused && !l.worker.killed && time.Duration(l.worker.excused) < w.now() {
		w.violated(l.task.n, "worker %d lost a lease without a fault", l.worker.number)
	}
}

// stored notes a message that the queue took, from a client or as a copy from a
// worker. The caller holds mu.
func (w *World) stored(by *worker, m *driver.Message, id string) {
	t := w.taskOf(m.Body)
	e := Event{Worker: by.number, Task: t.n, What: Stored, For: m.Delay}
	message := w.messageOf(id, t)
	if by.number > 0 {
		e.What, e.Attempt = Copied, m.Carry.Attempts
		message.due = m.Carry.NotBefore
	} else {
		if t.stored++; t.stored > 1 {
			t.excused = true
		}
		message.due = time.Now().Add(m.Delay)
	}
	w.note(e)
}

// reported judges what a worker says of a delivery. The caller holds mu.
func (w *World) reported(by *worker, s runtime.Settled) {
	by.reported++
	l := leaseOf(s.Decision.Settlement.Lease)
	if l == nil {
		return
	}
	l.leave()
	e := Event{Worker: by.number, Task: l.task.n, Attempt: l.attempt, What: Reported}
	switch {
	case driver.Is(s.Err, driver.LeaseLost):
		e.Outcome = Lost
	case s.Err != nil:
		e.Outcome = Failed
	}
	w.note(e)
	if l.reported {
		w.violated(l.task.n, "a delivery is reported twice")
	}
	l.reported = true
	if s.Err == nil && !l.sealed {
		w.violated(l.task.n, "%v is reported, but the queue did not say that it took it", s.Decision.Settlement.Verdict)
	}
}
