package pubsubfake

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// backlog is the messages of a subscription. Its fields are guarded by the
// server's mu.
type backlog struct {
	items  map[uint64]*item // by number
	count  [states]int
	ready  list.List[item]  // without a line, in the order in which they became so
	timers due.Heap[*item]  // leased and delayed, by the end of that
	ages   due.Heap[*age]   // all, by when they were published
	lines  map[string]*line // by ordering key
	turns  list.List[line]  // lines of which messages may be delivered

	waiters []*waiter   // the oldest first
	alarm   alarm.Alarm // set while somebody cares
}

// clear drops every message.
func (b *backlog) clear() {
	b.items = map[uint64]*item{}
	b.count = [states]int{}
	b.ready = list.New(func(it *item) *list.Links[item] { return &it.links })
	b.timers = due.Heap[*item]{}
	b.ages = due.Heap[*age]{}
	b.lines = map[string]*line{}
	b.turns = list.New(func(l *line) *list.Links[line] { return &l.links })
}

// add stores c.
func (b *subscription) add(c *content) {
	it := &item{content: c}
	it.age.it = it
	b.items[c.number] = it
	b.ages.Set(&it.age, c.sent)
	if key := c.message.GetOrderingKey(); key != "" && b.ordered {
		b.join(it, key)
	}
	b.show(it)
}

// enter changes it's state.
func (b *subscription) enter(it *item, to state) {
	if it.state != gone {
		b.count[it.state]--
	}
	switch it.state {
	case ready:
		if it.line == nil {
			b.ready.Remove(it)
		}
	case leased, delayed:
		b.timers.Remove(it)
	case gone, acked, states:
	}
	if it.state == leased && it.line != nil {
		it.line.leased--
	}
	it.state = to
	if to != gone {
		b.count[to]++
	}
	if to == leased && it.line != nil {
		it.line.leased++
	}
}

// show makes it ready to be delivered.
func (b *subscription) show(it *item) {
	b.enter(it, ready)
	if it.line != nil {
		b.regroup(it.line)
		return
	}
	b.s.turn++
	it.turn = b.s.turn
	b.ready.PushBack(it)
}

// hide keeps it from being delivered until then.
func (b *subscription) hide(it *item, as state, until time.Duration) {
	b.enter(it, as)
	b.timers.Set(it, until)
	if it.line != nil {
		b.regroup(it.line)
	}
}

// drop takes it out of the subscription.
func (b *subscription) drop(it *item) {
	b.enter(it, gone)
	it.live = false
	b.ages.Remove(&it.age)
	delete(b.items, it.number)
	if it.line != nil {
		b.part(it)
	}
}

// advance brings the subscription to the present: what was kept back becomes ready,
// leases end, what is older than the retention goes.
func (b *subscription) advance(now time.Duration) {
	for b.ages.Len() > 0 {
		a, sent := b.ages.Min()
		if sent+b.retention > now {
			break
		}
		b.drop(a.it)
	}
	for b.timers.Len() > 0 {
		it, at := b.timers.Min()
		if at > now {
			break
		}
		if it.state == delayed {
			b.show(it)
			continue
		}
		if b.exactlyOnce {
			it.live = false
		}
		b.fail(it, at, now)
	}
}

// waiter is a Pull or a pusher that waits.
type waiter struct {
	woken chan struct{} // of one place
}

func newWaiter() waiter { return waiter{make(chan struct{}, 1)} }

// ring wakes w, now or when it waits next.
func (w *waiter) ring() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// wait adds w to those that are woken.
func (b *subscription) wait(w *waiter) { b.waiters = append(b.waiters, w) }

// unwait takes w out, and passes on what it was woken for.
func (b *subscription) unwait(w *waiter, now time.Duration) {
	for i, other := range b.waiters {
		if other == w {
			b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
			break
		}
	}
	b.wake(now)
}

// wake lets those that wait look for messages, as many as there are messages to find,
// and sees to it that it is called again when there are more, or when messages are to
// be forwarded.
func (b *subscription) wake(now time.Duration) {
	b.advance(now)
	for _, w := range b.waiters[:b.deliverable(len(b.waiters))] {
		w.ring()
	}
	at, ok := b.timers.Next()
	if ok && (len(b.waiters) > 0 || b.dead != nil) {
		b.alarm.Set(at)
	} else {
		b.alarm.Stop()
	}
}

// wakeAll lets every Pull, and the pusher, see that the subscription has changed.
func (b *subscription) wakeAll() {
	for _, w := range b.waiters {
		w.ring()
	}
	if b.pusher != nil {
		b.pusher.waiter.ring()
	}
}

// deliverable is how many of limit Pulls would find a message.
func (b *subscription) deliverable(limit int) int {
	n := 0
	for it := b.ready.First(); it != nil && n < limit; it = it.links.Next() {
		n++
	}
	for l := b.turns.First(); l != nil && n < limit; l = l.links.Next() {
		n++
	}
	return n
}

// pause waits for w to be woken, for the end of a Pull, or for the server or, if
// it does not linger, the caller to go; only in the first case it is true.
func (s *Server) pause(ctx context.Context, w *waiter, until time.Duration) bool {
	t := time.NewTimer(until - s.now())
	defer t.Stop()
	left := ctx.Done()
	if s.opts.Linger {
		left = nil
	}
	select {
	case <-w.woken:
		return true
	case <-t.C:
	case <-left:
	case <-s.done:
	}
	return false
}
