package simulation

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// lease is one that the queue gave, with what is to be known to judge what its
// worker does with it.
type lease struct {
	driver.Lease
	worker  *worker
	message *message
	task    *task
	carry   driver.Carry
	attempt int // of the task
	dice    dice
	reads   atomic.Int32      // calls of Attempt
	tag     map[string]string // its attributes, which tell a handler which lease it is on

	// All below is guarded by World.mu.
	run     *run           // nil until the worker has it
	end     time.Time      // as the worker was told
	astray  bool           // it never gets to its worker
	short   bool           // it ends sooner at the queue than it says
	excused bool           // a fault explains what becomes of it
	taken   driver.Verdict // what the queue took; 0 for nothing
	busy    bool           // a call is under way
	fault   fault          // of that call
	extends int            // calls so far
	settles int

	next      *lease // of the same message, which the worker got while it had this one
	arrived   time.Duration
	confirmed bool // the last call was an Extend that succeeded
	sealed    bool // the worker saw a settle succeed
	lost      bool // the worker was told so
	lostAt    time.Duration
}

// run is one delivery as its worker sees it: of one lease, or of several when the
// message came again while the worker had it.
type run struct {
	lease    *lease // the newest
	heir     *run   // that it may continue: a release of that was not answered when this came
	attempt  int
	begun    int // how often its handler was called: again after a snooze on a kept lease
	beganAt  time.Duration
	running  bool
	givenUp  bool
	outcome  Outcome
	due      time.Time // when it may run again, as its handler said
	copied   bool      // the worker saw its copy taken
	copyID   string
	waiting  bool // neither begun nor decided
	reported bool
}

// succeeded says whether its handler has, in time.
func (r *run) succeeded() bool { return r.begun > 0 && !r.running && !r.givenUp && r.outcome == OK }

// tag is the attribute that has a lease's place among those of its worker.
const tag = "lease"

// tags are the attributes of the first leases of a worker. All Worlds share them, as
// a map for each lease is a twentieth of what a World allocates; and nothing may
// write to a message's attributes, which the race detector sees if it does.
var tags = func() (tags [1 << 10]map[string]string) {
	for i := range tags {
		tags[i] = map[string]string{tag: strconv.Itoa(i)}
	}
	return tags
}()

func tagOf(place int) map[string]string {
	if place < len(tags) {
		return tags[place]
	}
	return map[string]string{tag: strconv.Itoa(place)}
}

// Message is what the queue says, with the tag.
func (l *lease) Message() driver.Message {
	m := l.Lease.Message()
	m.Attributes = l.tag
	return m
}

// readingTime is more than a runner takes to look at a delivery, for which it calls
// Attempt twice at most.
const readingTime = time.Millisecond

// Attempt is what the queue says, after a moment. Only runners ask, when they have
// begun a delivery and hold no lock. Without it what they decide with no handler
// would fall at the instant of what gave them the delivery, and share a batch with
// that or not, by chance. The first delivery of the first message of a task always
// has a handler.
func (l *lease) Attempt() int {
	attempt := l.Lease.Attempt()
	if attempt > 1 || l.message.nth > 1 || !l.carry.IsZero() {
		sleep(l.dice.of(aboutReading).between(int(l.reads.Add(1)), time.Microsecond, readingTime/2))
	}
	return attempt
}

// As takes a **lease, and what the queue's takes.
func (l *lease) As(target any) bool {
	if p, ok := target.(**lease); ok {
		*p = l
		return true
	}
	return l.Lease.As(target)
}

func leaseOf(l driver.Lease) *lease {
	if own, ok := l.(*lease); ok { // the same, without a variable on the heap
		return own
	}
	var own *lease
	if l == nil || !l.As(&own) {
		return nil
	}
	return own
}

// tagged is the lease of a worker that attributes tell. The caller holds mu.
func (by *worker) tagged(attributes map[string]string) *lease {
	if i, err := strconv.Atoi(attributes[tag]); err == nil && i >= 0 && i < len(by.leases) {
		return by.leases[i]
	}
	return nil
}

// give takes a lease into the books that the queue gave to a worker. The caller
// holds mu.
func (w *World) give(by *worker, inner driver.Lease) *lease {
	m := inner.Message()
	t := w.taskOf(m.Body)
	if t == nil {
		w.violated(0, "message %s is no task of this world", m.ID)
		t = w.tasks[0]
	}
	message, known := w.messageOf(m.ID, t)
	if m.Death != nil {
		m.Carry = m.Carry.Redriven()
	}
	l := &lease{
		Lease: inner, worker: by, message: message, task: t, carry: m.Carry,
		attempt: m.Carry.Attempts + inner.Attempt(), end: inner.Expires(), excused: true,
	}
	// Two messages of a task that are received together must not do all at once.
	l.dice = t.dice.of(message.nth).of(l.attempt).of(m.Carry.Redrives<<20 | m.Carry.Snoozes<<10 | m.Carry.Hops)
	if w.weather.undelayed && !m.Carry.NotBefore.IsZero() {
		l.attempt = m.Carry.Attempts + 1 // all before are hops
	}
	l.tag = tagOf(len(by.leases))
	w.note(Event{Worker: by.number, Task: t.n, Attempt: l.attempt, What: Received, For: time.Until(l.end)})
	if !known && (m.Carry.Attempts != 0 || m.Carry.Redrives == 0) {
		w.violated(t.n, "it comes from the dead letter with %d attempts and %d redrives", m.Carry.Attempts, m.Carry.Redrives)
	}
	if message.gone {
		w.violated(t.n, "message %s is given after the queue took its end", m.ID)
	}
	if n := len(message.leases); n > 0 && message.leases[n-1].taken == 0 {
		w.lapsed(message.leases[n-1])
		if r := message.leases[n-1].run; r != nil && r.running && message.leases[n-1].worker != by {
			w.met[Contested]++
		}
	}
	t.given++
	l.astray = !w.calm && t.given <= t.lost
	message.leases = append(message.leases, l)
	by.leases = append(by.leases, l)
	return l
}

// arrive notes that the worker has got the lease. Until then nobody is to blame
// for what becomes of it. The caller holds mu.
func (w *World) arrive(l *lease) {
	l.excused, l.arrived = l.short, w.now()
	before := l.message.heldBy(l.worker, l)
	if before != nil {
		w.met[Joined]++
		before.next = l
		if before.taken != driver.Release {
			l.run = before.run
			l.run.lease = l
			return
		}
	}
	l.run = &run{lease: l, attempt: l.attempt, waiting: true}
	if before != nil {
		l.run.heir = before.run
	}
	l.worker.waiting++
}

// heldBy is the last lease before l that a worker has of a message.
func (m *message) heldBy(by *worker, l *lease) *lease {
	for _, c := range slices.Backward(m.leases) {
		if c != l && c.worker == by && c.run != nil {
			if c.run.reported {
				return nil
			}
			return c
		}
	}
	return nil
}

// begin ends the wait of a run for its handler or its decision. The caller holds
// mu.
func (r *run) begin() {
	if r.waiting {
		r.waiting = false
		r.lease.worker.waiting--
	}
}

// lapsed judges a lease whose message was given again although it was not
// settled. The caller holds mu.
func (w *World) lapsed(l *lease) {
	if why := w.innocent(l); !why {
		w.violated(l.task.n, "the lease of worker %d lapsed without a fault", l.worker.number)
	}
	l.task.excused = true
}

// innocent says whether something explains that a lease was lost. The caller
// holds mu.
func (w *World) innocent(l *lease) bool {
	by := l.worker
	return l.excused || by.killed || by.stopped || by.excused >= min(w.now(), l.end.Sub(w.start))
}

// behind is how many deliveries of the message its worker has given back, and so
// may know to be no attempts: those behind the head of a group. The caller holds
// mu.
func (l *lease) behind() int {
	n := 0
	for _, c := range l.message.leases {
		if l.task.group > 0 && c != l && c.worker == l.worker && c.run != nil && c.run.begun == 0 {
			n++
		}
	}
	return n
}

// tellLost notes that the worker learns that it lost a lease. The caller holds
// mu.
func (w *World) tellLost(l *lease) {
	if !l.lost {
		l.lost, l.lostAt = true, w.now()
		if l.run != nil && l.run.running {
			w.met[LostRunning]++
		}
	}
	if !w.innocent(l) {
		w.violated(l.task.n, "worker %d lost a lease without a fault", l.worker.number)
	}
	l.task.excused = true
}

// took notes that the queue took a settlement. The caller holds mu.
func (w *World) took(l *lease, s *driver.Settlement) {
	e := Event{Worker: l.worker.number, Task: l.task.n, Attempt: l.attempt, For: s.Delay}
	l.taken = s.Verdict
	switch s.Verdict {
	case driver.Ack:
		e.What = Acked
		l.message.gone = true
	case driver.Release:
		e.What = Released
		switch {
		case l.run == nil || l.run.begun > 0:
		case w.weather.undelayed && !l.carry.NotBefore.IsZero() && s.Delay > 0:
			w.met[Chained]++
		default:
			w.met[GaveBack]++
		}
		if l.run != nil && !l.run.due.IsZero() {
			l.message.due = l.run.due
		}
	case driver.Bury:
		e.What = Buried
		switch s.Reason {
		case driver.ReasonCrashed:
			w.met[Crashed]++
		case driver.ReasonExhausted:
			w.met[Exhausted]++
		case driver.ReasonPermanent:
			w.met[GivenUp]++
		}
		l.message.gone = true
	}
	w.note(e)
}

// stored notes a message that the queue took, from a client or as a copy from a
// worker. The caller holds mu.
func (w *World) stored(by *worker, m *driver.Message, id string) {
	t := w.taskOf(m.Body)
	e := Event{Worker: by.number, Task: t.n, What: Stored, For: m.Delay}
	message, known := w.messageOf(id, t)
	if l := by.tagged(m.Attributes); l != nil {
		e.What, e.Attempt = Copied, l.attempt
		message.due = l.message.due // a hop
		if l.run != nil && l.run.begun > 0 {
			message.due = l.run.due
		}
		switch {
		case l.run == nil || l.run.begun == 0:
			w.met[Hopped]++
		case l.run.outcome == Snoozed:
			w.met[PutOff]++
		default:
			w.met[Retried]++
		}
	} else if !known {
		if t.stored++; t.stored > 1 {
			t.excused = true
		}
		message.due = t.due
	}
	w.note(e)
}
