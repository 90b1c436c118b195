package broker

import (
	"encoding/binary"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// Entity is a queue or its dead letter.
type Entity struct {
	broker *Broker
	path   string
	config Config
	dead   *Entity // of a live queue
	live   *Entity // of a dead letter
	gone   bool    // it was deleted

	last      int64              // sequence number
	order     list.List[message] // all messages
	numbers   map[int64]*message // by sequence number
	locks     map[Token]*message // those that are locked
	ready     ready              // those without a session
	sessions  map[string]*session
	counts    Counts
	due       due.Heap[*message]
	alarm     alarm.Alarm
	consumers list.List[Consumer] // those with credit, the next one first
	all       map[*Consumer]struct{}
	seen      seen

	available list.List[session] // sessions that nobody has, with messages that are ready
	held      due.Heap[*session] // sessions that somebody has, by the end of the lock
	waiting   list.List[Accept]  // for any session
	patience  due.Heap[*Accept]
}

func newEntity(b *Broker, path string, c Config) *Entity {
	e := &Entity{
		broker: b, path: path, config: c,
		order:   list.New(func(m *message) *list.Links[message] { return &m.order }),
		numbers: make(map[int64]*message), locks: make(map[Token]*message), sessions: make(map[string]*session),
		consumers: list.New(func(c *Consumer) *list.Links[Consumer] { return &c.turn }),
		all:       make(map[*Consumer]struct{}),
		available: list.New(func(s *session) *list.Links[session] { return &s.turn }),
		waiting:   list.New(func(a *Accept) *list.Links[Accept] { return &a.turn }),
		seen:      newSeen(),
	}
	e.alarm = b.alarms.New(e.ring)
	return e
}

// Path is the entity's path, as it was made.
func (e *Entity) Path() string { return e.path }

// Sessions says whether messages belong to sessions.
func (e *Entity) Sessions() bool { return e.live == nil && e.config.Sessions }

// MaxMessageSize is the largest message, in bytes.
func (e *Entity) MaxMessageSize() int {
	e.broker.mu.Lock()
	defer e.broker.mu.Unlock()
	return e.config.MaxMessageSize
}

// enter begins an operation: it locks the broker, and does what has fallen due.
// Leave ends it.
func (e *Entity) enter() (time.Duration, error) {
	e.broker.mu.Lock()
	if e.gone {
		e.broker.mu.Unlock()
		return 0, fail(NotFound, 404, "The messaging entity %q could not be found.", e.path)
	}
	now := e.broker.now()
	e.advance(now)
	return now, nil
}

func (e *Entity) leave(now time.Duration) {
	e.pump(now)
	e.setAlarm()
	if e.dead != nil {
		e.dead.pump(now)
		e.dead.setAlarm()
	}
	e.broker.mu.Unlock()
}

// ring is the alarm.
func (e *Entity) ring() {
	now := e.broker.now()
	e.advance(now)
	e.pump(now)
	e.setAlarm()
	if e.dead != nil {
		e.dead.pump(now)
		e.dead.setAlarm()
	}
}

func (e *Entity) setAlarm() {
	next, some := time.Duration(0), false
	for _, heap := range []interface {
		Next() (time.Duration, bool)
	}{&e.due, &e.held, &e.patience} {
		if at, ok := heap.Next(); ok && (!some || at < next) {
			next, some = at, true
		}
	}
	if some && !e.gone {
		e.alarm.Set(next)
	} else {
		e.alarm.Stop()
	}
}

// advance does what has fallen due: locks end, schedules come, messages expire.
func (e *Entity) advance(now time.Duration) {
	for {
		s, ok := e.held.Due(now)
		if !ok {
			break
		}
		s.expire(now)
	}
	for {
		a, ok := e.patience.Due(now)
		if !ok {
			break
		}
		e.waiting.Remove(a)
		a.done(nil, fail(Timeout, 408, "No session was available in time."))
	}
	for {
		m, ok := e.due.Due(now)
		if !ok {
			return
		}
		switch {
		case m.locked:
			e.comeBack(m, now, 1)
		case m.state == scheduled:
			e.counts.Scheduled--
			e.counts.Active++
			m.state = active
			// What is enqueued by a schedule has a number of its own then.
			e.order.Remove(m)
			delete(e.numbers, m.sequence)
			e.last++
			m.sequence, m.enqueued = e.last, now
			e.numbers[m.sequence] = m
			e.order.PushBack(m)
			e.enliven(m, now)
		default:
			e.expire(m, now)
		}
	}
}

// enliven makes an active message ready, from now on for as long as it lives.
func (e *Entity) enliven(m *message, now time.Duration) {
	if life := ttl(m.sent, e.config.DefaultTTL); life > 0 && e.live == nil {
		m.expires = m.enqueued + life
	}
	e.makeReady(m, now)
}

// makeReady puts an active message where it is delivered from, unless it has
// expired.
func (e *Entity) makeReady(m *message, now time.Duration) {
	if m.expires > 0 {
		if m.expires <= now {
			e.expire(m, now)
			return
		}
		e.due.Set(m, m.expires)
	} else {
		e.due.Remove(m)
	}
	if m.session != nil {
		m.session.ready.add(m)
		m.session.offer()
		return
	}
	e.ready.add(m)
}

// unready takes a message from where it is delivered from.
func (e *Entity) unready(m *message) {
	if m.at == 0 {
		return
	}
	if m.session != nil {
		m.session.ready.remove(m)
		m.session.offer()
		return
	}
	e.ready.remove(m)
}

// expire ends a message whose time is up.
func (e *Entity) expire(m *message, now time.Duration) {
	e.remove(m)
	if e.config.DeadLetterOnExpiration {
		e.bury(m, now, map[string]any{propertyReason: "TTLExpiredException", propertyDescription: "The message expired and was dead lettered."})
	}
}

// remove takes a message out of the entity.
func (e *Entity) remove(m *message) {
	e.unready(m)
	e.due.Remove(m)
	e.order.Remove(m)
	delete(e.numbers, m.sequence)
	switch m.state {
	case active:
		e.counts.Active--
	case deferred:
		e.counts.Deferred--
	case scheduled:
		e.counts.Scheduled--
	}
	e.unlock(m)
}

// bury makes a dead letter of a message that was removed.
func (e *Entity) bury(m *message, now time.Duration, properties map[string]any) {
	d := e.dead
	m.change(properties)
	d.last++
	*m = message{
		entity: d, sent: m.sent, bare: m.bare, sequence: d.last, first: m.first,
		enqueued: m.enqueued, count: m.count, source: e.path,
	}
	d.add(m)
	d.makeReady(m, now)
}

// add adds a message that is active or scheduled.
func (e *Entity) add(m *message) {
	e.order.PushBack(m)
	e.numbers[m.sequence] = m
	if m.state == scheduled {
		e.counts.Scheduled++
	} else {
		e.counts.Active++
	}
}

// lock locks a message for a consumer, or for nobody.
func (e *Entity) lock(m *message, now time.Duration, holder *Consumer) {
	e.unready(m)
	e.broker.turn++
	m.locked, m.holder = true, holder
	m.token = Token{0: 0x4c, 1: 0x53, 6: 0x40, 8: 0x80}
	binary.BigEndian.PutUint64(m.token[8:], 1<<63|e.broker.turn)
	e.locks[m.token] = m
	e.counts.Locked++
	if m.session != nil {
		m.session.locks[m.token] = m
		m.until = m.session.until
		e.due.Remove(m)
		return
	}
	m.until = now + e.config.LockDuration
	e.due.Set(m, m.until)
}

func (e *Entity) unlock(m *message) {
	if !m.locked {
		return
	}
	delete(e.locks, m.token)
	if m.session != nil {
		delete(m.session.locks, m.token)
	}
	e.counts.Locked--
	m.locked, m.holder = false, nil
}

// comeBack ends the lock of a message that was not settled for good; failed is 1 when
// that counts as a delivery.
func (e *Entity) comeBack(m *message, now time.Duration, failed uint32) {
	e.due.Remove(m)
	e.unlock(m)
	if e.live == nil {
		m.count += failed // what is read from a dead letter keeps its count
	}
	switch {
	case e.live == nil && int(m.count) >= e.config.MaxDeliveryCount:
		e.remove(m)
		e.bury(m, now, map[string]any{
			propertyReason:      "MaxDeliveryCountExceeded",
			propertyDescription: "Message could not be consumed after maximum delivery attempts.",
		})
	case m.state == deferred:
		e.expireLater(m)
	default:
		e.makeReady(m, now)
	}
}

// drop ends all that an entity has, as it is deleted.
func (e *Entity) drop() {
	e.gone = true
	e.alarm.Stop()
	gone := fail(NotFound, 404, "The messaging entity %q could not be found.", e.path)
	for c := range e.all {
		c.lost(gone)
	}
	for a := e.waiting.First(); a != nil; a = e.waiting.First() {
		e.waiting.Remove(a)
		a.done(nil, gone)
	}
	clear(e.all)
}

// Peek shows messages from a sequence number on, at most n, those of a session only
// when one is given, without a lock.
func (e *Entity) Peek(from int64, n int, session *string) ([][]byte, error) {
	now, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer e.leave(now)
	m := e.numbers[from] // who reads on page by page begins here
	if m == nil {
		m = e.order.First()
	}
	var shown [][]byte
	for ; m != nil && len(shown) < n; m = m.order.Next() {
		if m.sequence >= from && (session == nil || m.session != nil && m.session.id == *session) {
			open := *m
			open.locked = false
			shown = append(shown, open.encode())
		}
	}
	return shown, nil
}

// Send stores messages: all, or none.
func (e *Entity) Send(sent []*amqp.Message) error {
	_, err := e.put(sent)
	return err
}

// Schedule stores messages for the time that each names, and answers the numbers by
// which they can be cancelled.
func (e *Entity) Schedule(sent []*amqp.Message) ([]int64, error) {
	for _, m := range sent {
		if _, ok := scheduledFor(m); !ok {
			return nil, fail(BadArgument, 400, "A message that is scheduled must say for when.")
		}
	}
	return e.put(sent)
}

func (e *Entity) put(sent []*amqp.Message) ([]int64, error) {
	now, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer e.leave(now)
	if e.live != nil {
		return nil, fail(NotAllowed, 400, "Messages cannot be sent to %q.", e.path)
	}
	if e.config.Sessions {
		for _, m := range sent {
			if _, ok := sessionID(m); !ok {
				return nil, fail(NotAllowed, 400, "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.")
			}
		}
	}
	bare := make([][]byte, len(sent))
	for i, s := range sent {
		if bare[i], err = encodeBare(s); err != nil {
			return nil, err
		}
	}
	numbers := make([]int64, len(sent))
	for i, s := range sent {
		e.last++
		numbers[i] = e.last
		if e.seen.before(id(s), now, e.config.DuplicateDetection) {
			continue
		}
		m := &message{entity: e, sent: s, bare: bare[i], sequence: e.last, first: e.last, enqueued: now}
		if id, ok := sessionID(s); ok && e.config.Sessions {
			m.session = e.session(id)
		}
		if at, ok := scheduledFor(s); ok {
			if m.due = at.Sub(e.broker.start); m.due > now {
				m.state = scheduled
			}
		}
		e.add(m)
		if m.state == scheduled {
			e.due.Set(m, m.due)
		} else {
			e.enliven(m, now)
		}
	}
	return numbers, nil
}

// Cancel takes scheduled messages out: all, or none.
func (e *Entity) Cancel(numbers []int64) error {
	now, err := e.enter()
	if err != nil {
		return err
	}
	defer e.leave(now)
	if err := once(numbers); err != nil {
		return err
	}
	for _, n := range numbers {
		if m := e.numbers[n]; m == nil || m.state != scheduled {
			return fail(Missing, 404, "There is no scheduled message with the sequence number %d.", n)
		}
	}
	for _, n := range numbers {
		e.remove(e.numbers[n])
	}
	return nil
}

// once refuses sequence numbers of which one is given twice.
func once(numbers []int64) error {
	seen := make(map[int64]struct{}, len(numbers))
	for _, n := range numbers {
		if _, ok := seen[n]; ok {
			return fail(BadArgument, 400, "The sequence number %d is given twice.", n)
		}
		seen[n] = struct{}{}
	}
	return nil
}
