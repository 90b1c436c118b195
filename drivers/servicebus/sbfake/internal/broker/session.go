package broker

import (
	"maps"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// session is the messages of an entity with the same session id.
type session struct {
	due.Slot[*session] // by the end of the lock
	turn               list.Links[session]

	entity *Entity
	id     string
	state  []byte
	ready  ready
	locks  map[Token]*message // of its messages
	holder *Consumer          // who has the lock; it may have gone
	locked bool
	until  time.Duration
}

// session finds or makes a session.
func (e *Entity) session(id string) *session {
	s := e.sessions[id]
	if s == nil {
		s = &session{entity: e, id: id, locks: make(map[Token]*message)}
		e.sessions[id] = s
	}
	return s
}

// granted are the sessions whose holder may take more.
func (e *Entity) granted() map[*session]struct{} {
	if !e.Sessions() {
		return nil
	}
	granted := make(map[*session]struct{})
	for c := range e.all {
		if c.session != nil && c.session.holder == c && c.credit > 0 && c.session.ready.len() > 0 {
			granted[c.session] = struct{}{}
		}
	}
	return granted
}

// offer keeps the session among those that are available while it is.
func (s *session) offer() {
	if s.locked || s.ready.len() == 0 {
		s.entity.available.Remove(s)
		return
	}
	if a := s.entity.waiting.First(); a != nil {
		s.entity.waiting.Remove(a)
		s.entity.patience.Remove(a)
		s.entity.available.Remove(s)
		s.grant(a, s.entity.broker.now())
		return
	}
	s.entity.available.PushBack(s)
}

// Accept is a wish for a session, which may have to wait.
type Accept struct {
	due.Slot[*Accept] // when its patience ends
	turn              list.Links[Accept]

	settled bool
	tell    Listener
	done    func(*Accepted, error)
}

// Accepted is a session that was accepted.
type Accepted struct {
	Consumer *Consumer
	ID       string
	Until    time.Time

	Credit uint32 // set by done: for how many messages the consumer has credit at once
}

// AcceptSession asks for the lock of a session: the one with the id, or with nil the
// next that has messages and that nobody has, for which it waits up to patience. Done
// is called once, as a function of a Listener is: with an error of SessionTaken,
// Timeout or NotAllowed otherwise. What is answered gives the wish up.
func (e *Entity) AcceptSession(id *string, settled bool, patience time.Duration, tell Listener, done func(*Accepted, error)) (giveUp func()) {
	giveUp = func() {}
	now, err := e.enter()
	if err != nil {
		e.broker.mu.Lock()
		defer e.broker.mu.Unlock()
		done(nil, err)
		return giveUp
	}
	defer e.leave(now)
	a := &Accept{settled: settled, tell: tell, done: done}
	switch {
	case !e.Sessions():
		done(nil, fail(NotAllowed, 400, "A sessionful message receiver cannot be created on an entity that does not require sessions."))
	case id != nil:
		s := e.session(*id)
		if s.locked {
			done(nil, fail(SessionTaken, 410, "The requested session %q cannot be accepted. It may be locked by another receiver.", *id))
			return giveUp
		}
		e.available.Remove(s)
		s.grant(a, now)
	case e.available.First() != nil:
		s := e.available.First()
		e.available.Remove(s)
		s.grant(a, now)
	default:
		e.waiting.PushBack(a)
		e.patience.Set(a, now+patience)
		return func() {
			now, err := e.enter()
			if err != nil {
				return
			}
			defer e.leave(now)
			e.waiting.Remove(a)
			e.patience.Remove(a)
		}
	}
	return giveUp
}

// grant gives the session to who asked for it.
func (s *session) grant(a *Accept, now time.Duration) {
	e := s.entity
	c := &Consumer{entity: e, session: s, settled: a.settled, tell: a.tell}
	e.all[c] = struct{}{}
	s.holder, s.locked = c, true
	s.until = now + e.config.LockDuration
	e.held.Set(s, s.until)
	accepted := &Accepted{Consumer: c, ID: s.id, Until: e.broker.at(s.until)}
	a.done(accepted, nil)
	c.setCredit(accepted.Credit)
}

// expire ends a lock that has run out. What was locked with it counts as delivered
// ("Message sessions").
func (s *session) expire(now time.Duration) {
	holder := s.holder
	s.free(now, 1)
	if _, there := s.entity.all[holder]; there {
		holder.lost(sessionLost(s.id))
	}
}

// free ends the lock of the session and those of its messages, which count as failed
// deliveries or not.
func (s *session) free(now time.Duration, failed uint32) {
	e := s.entity
	e.held.Remove(s)
	s.holder = nil
	for _, m := range slices.SortedFunc(maps.Values(s.locks), bySequence) {
		e.comeBack(m, now, failed)
	}
	s.locked = false
	s.offer()
}

// RenewSession renews the lock of the session that c has.
func (c *Consumer) RenewSession() (time.Time, error) {
	e := c.entity
	now, err := e.enter()
	if err != nil {
		return time.Time{}, err
	}
	defer e.leave(now)
	s := c.session
	if s == nil || s.holder != c {
		return time.Time{}, c.noSession()
	}
	s.until = now + e.config.LockDuration
	e.held.Set(s, s.until)
	for _, m := range s.locks {
		m.until = s.until
	}
	return e.broker.at(s.until), nil
}

func (c *Consumer) noSession() error {
	if c.session == nil {
		return fail(NotAllowed, 400, "The receiver has no session.")
	}
	return sessionLost(c.session.id)
}

// SessionID is the id of the session that c has; false without one.
func (c *Consumer) SessionID() (string, bool) {
	if c.session == nil {
		return "", false
	}
	return c.session.id, true
}

// SessionState is the state of the session that c has; SetSessionState sets it, nil
// for none.
func (c *Consumer) SessionState() ([]byte, error) {
	now, err := c.entity.enter()
	if err != nil {
		return nil, err
	}
	defer c.entity.leave(now)
	if c.session == nil || c.session.holder != c {
		return nil, c.noSession()
	}
	return c.session.state, nil
}

func (c *Consumer) SetSessionState(state []byte) error {
	now, err := c.entity.enter()
	if err != nil {
		return err
	}
	defer c.entity.leave(now)
	if c.session == nil || c.session.holder != c {
		return c.noSession()
	}
	c.session.state = state
	return nil
}
