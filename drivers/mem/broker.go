package mem

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// broker is a queue and its dead letter, shared by its handles.
type broker struct {
	name         string
	options      Options
	capabilities driver.Capabilities
	start        time.Time // what due times count from
	ops          ops

	mu    sync.Mutex
	live  store  // guarded by mu
	dead  store  // guarded by mu
	dedup window // guarded by mu
	next  uint64 // guarded by mu; number of the last message
	refs  int    // guarded by mu; open handles
}

// ops are the names of operations for errors.
type ops struct{ send, withdraw, receive, extend, settle, policy, stats, move string }

func newBroker(name string, o Options) *broker {
	b := &broker{name: name, options: o, capabilities: capabilities(o), start: time.Now()}
	op := func(verb string) string { return fmt.Sprintf("mem: %s %q", verb, name) }
	b.ops = ops{
		send: op("send"), withdraw: op("withdraw from"), receive: op("receive"), extend: op("extend"), settle: op("settle"),
		policy: op("policy"), stats: op("stats"), move: op("move all of"),
	}
	b.live.init(b, o.Ordered)
	b.dead.init(b, false)
	b.dedup.init(o.DedupWindow)
	return b
}

// handle makes another handle to b.
func (b *broker) handle() *Queue {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refs++
	q := &Queue{done: make(chan struct{})}
	q.source = source{q, b, &b.live}
	q.dead = source{q, b, &b.dead}
	return q
}

// release ends q, which was just marked closed.
func (b *broker) release(q *Queue) {
	named.mu.Lock() // before b.mu, so that nobody opens what is about to end
	defer named.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refs--
	for _, s := range []*store{&b.live, &b.dead} {
		s.dismiss(q)
		if b.refs == 0 {
			s.stop()
		}
	}
	if b.refs == 0 && named.brokers[b.name] == b {
		delete(named.brokers, b.name)
	}
}

// since is the due time of t.
func (b *broker) since(t time.Time) time.Duration { return t.Sub(b.start) }

// send stores the entries that are not nil, one for each message of the batch.
func (b *broker) send(batch []driver.Message, entries []*entry, results []driver.SendResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for i, e := range entries {
		if e == nil {
			continue
		}
		if first, dropped := b.dedup.seen(e.content.sendID, now); dropped {
			results[i].ID = first
			continue
		}
		var due time.Duration
		if d := batch[i].Delay; d > 0 {
			due = b.since(now) + driver.RoundUp(&b.capabilities, d)
		}
		b.store(&b.live, e, now, due)
		results[i].ID = e.content.id
		if batch[i].DedupKey != "" {
			b.dedup.remember(e.content.sendID, e.content.id, now)
		}
	}
	b.live.serve(now)
}

// withdraw drops the delayed message with this id, if there is one.
func (b *broker) withdraw(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.live.advance(now)
	e, ok := b.live.unsent[id]
	if ok {
		b.live.drop(e)
	}
	b.live.serve(now)
	return ok
}

// store gives e an id and puts it into s: visible at once with a due time of 0.
// The caller holds mu and calls serve.
func (b *broker) store(s *store, e *entry, now time.Time, due time.Duration) {
	b.next++
	e.number = b.next
	var id [24]byte
	e.content.id = string(strconv.AppendUint(append(id[:0], 'm'), b.next, 10))
	e.content.arrived = b.since(now)
	s.add(e, due, now)
}

// bury moves e from the live messages to the dead letter as the message m. The
// caller holds mu.
func (b *broker) bury(e *entry, m driver.Message, now time.Time) {
	b.live.drop(e)
	b.store(&b.dead, &entry{content: contentOf(&m)}, now, 0)
}

// backstop buries an entry that was delivered as often as the queue allows. The
// caller holds mu and calls serve on the dead letter.
func (b *broker) backstop(e *entry, now time.Time) {
	m := driver.CopyOf(e.content.message(b.start))
	m.Death = &driver.Death{
		Reason: driver.ReasonBrokerLimit, Attempts: m.Carry.Attempts + int(e.attempts), At: now, Queue: b.name,
		Detail: fmt.Sprintf("delivered %d times without an ack", e.attempts),
	}
	b.bury(e, m, now)
}

func (b *broker) stats() driver.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.live.advance(now)
	s := driver.Stats{
		Ready: b.live.count[ready], Delayed: b.live.count[delayed],
		Leased: b.live.count[leased] + b.live.count[hidden], Dead: b.dead.total(),
	}
	if c := b.live.ages.oldest; c != nil {
		s.Oldest = now.Sub(c.first)
	}
	return s
}
