package sqsfake

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// maxInflight is how many messages a queue may have in flight, FIFO queues since
// 2024 as well (Amazon SQS Developer Guide, "Amazon SQS message quotas").
const maxInflight = 120_000

// queue is one queue. Its fields are guarded by the server's mu.
type queue struct {
	s        *Server
	uid      uint64
	name     string
	fifo     bool
	created  time.Duration
	modified time.Duration
	purged   time.Duration
	settings settings
	given    map[string]string // attributes as they were set
	tags     map[string]string

	messages map[uint64]*message // all that are stored, by number
	count    [states]int
	visible  list.List[message] // of a standard queue, in the order in which they became so
	timers   due.Heap[*message] // delayed and inflight, by the end of that
	ages     due.Heap[*age]     // all, by when they were sent

	groups map[string]*group // of a FIFO queue
	ready  list.List[group]  // groups of which messages may be received
	dedup  dedupWindow

	waiters []*waiter   // long polls, the oldest first
	alarm   alarm.Alarm // set while there are waiters
	deleted bool
}

func (s *Server) newQueue(name string, now time.Duration) *queue {
	q := &queue{
		s:        s,
		uid:      rand.Uint64(),
		name:     name,
		created:  now,
		modified: now,
		purged:   -time.Hour,
		settings: defaults,
		given:    map[string]string{},
		tags:     map[string]string{},
	}
	q.alarm = s.alarms.New(func() { q.wake(s.now()) })
	q.clear()
	return q
}

// clear drops every message.
func (q *queue) clear() {
	q.messages = map[uint64]*message{}
	q.count = [states]int{}
	q.visible = list.New(func(m *message) *list.Links[message] { return &m.links })
	q.timers = due.Heap[*message]{}
	q.ages = due.Heap[*age]{}
	q.groups = map[string]*group{}
	q.ready = list.New(func(g *group) *list.Links[group] { return &g.ready })
}

// add stores c as a message that was sent at the given time and becomes visible
// after delay.
func (q *queue) add(c *content, now, sent, delay time.Duration) *message {
	q.s.number++
	m := &message{content: c, number: q.s.number, sent: sent}
	m.age.m = m
	q.messages[m.number] = m
	q.ages.Set(&m.age, sent)
	if q.fifo {
		q.join(m)
	}
	if delay > 0 {
		q.hide(m, delayed, now+delay)
	} else {
		q.show(m)
	}
	return m
}

// leave changes m's state to none, or takes it out of the queue's books.
func (q *queue) leave(m *message) {
	if m.state == gone {
		return
	}
	q.count[m.state]--
	switch m.state {
	case visible:
		if !q.fifo {
			q.visible.Remove(m)
		}
	case delayed, inflight:
		q.timers.Remove(m)
	}
	if m.state == inflight && q.fifo {
		m.line.inflight--
	}
	m.state = gone
}

// show makes m visible.
func (q *queue) show(m *message) {
	q.leave(m)
	m.state = visible
	q.count[visible]++
	if q.fifo {
		q.regroup(m.line)
	} else {
		q.visible.PushBack(m)
	}
}

// hide keeps m from being received until then.
func (q *queue) hide(m *message, as state, until time.Duration) {
	q.leave(m)
	m.state = as
	q.count[as]++
	q.timers.Set(m, until)
	if q.fifo {
		if as == inflight {
			m.line.inflight++
		}
		q.regroup(m.line)
	}
}

// drop takes m out of the queue.
func (q *queue) drop(m *message) {
	q.leave(m)
	q.ages.Remove(&m.age)
	delete(q.messages, m.number)
	if q.fifo {
		q.part(m)
	}
}

// advance brings the queue to the present: what was hidden until now becomes
// visible, what is older than the retention goes.
func (q *queue) advance(now time.Duration) {
	for q.ages.Len() > 0 {
		a, sent := q.ages.Min()
		if sent+q.settings.retention > now {
			break
		}
		q.drop(a.m)
	}
	for q.timers.Len() > 0 {
		m, at := q.timers.Min()
		if at > now {
			break
		}
		q.show(m)
	}
}

// waiter is a long poll.
type waiter struct {
	woken chan struct{} // of one place
}

// wait adds a long poll to those that are woken.
func (q *queue) wait(w *waiter) {
	q.waiters = append(q.waiters, w)
}

// unwait takes w out, and passes on what it was woken for.
func (q *queue) unwait(w *waiter, now time.Duration) {
	for i, other := range q.waiters {
		if other == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			break
		}
	}
	q.wake(now)
}

// wake lets long polls look for messages, as many as there are messages to find,
// and sees to it that it is called again when there are more.
func (q *queue) wake(now time.Duration) {
	if len(q.waiters) == 0 {
		q.alarm.Stop()
		return
	}
	q.advance(now)
	n := q.receivable(len(q.waiters))
	for _, w := range q.waiters[:n] {
		select {
		case w.woken <- struct{}{}:
		default:
		}
	}
	if at, ok := q.timers.Next(); ok {
		q.alarm.Set(at)
	} else {
		q.alarm.Stop()
	}
}

// receivable is how many of limit long polls would find a message.
func (q *queue) receivable(limit int) int {
	if q.full() {
		return 0
	}
	if !q.fifo {
		return min(limit, q.count[visible])
	}
	n := 0
	for g := q.ready.First(); g != nil && n < limit; g = g.ready.Next() {
		n++
	}
	return n
}

// pause waits for w to be woken, for the end of a long poll, or for the client or
// the server to go; only in the first case it is true.
func (s *Server) pause(ctx context.Context, w *waiter, until time.Duration) bool {
	t := time.NewTimer(until - s.now())
	defer t.Stop()
	select {
	case <-w.woken:
		return true
	case <-t.C:
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}
