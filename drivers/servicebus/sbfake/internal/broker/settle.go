package broker

import (
	"maps"
	"slices"
	"time"
)

// Verdict is what becomes of a message.
type Verdict int

const (
	Complete   Verdict = iota + 1 // it is deleted
	Abandon                       // it comes back, and the delivery counts
	Release                       // it comes back, and the delivery does not count
	Defer                         // it is kept for who asks for its number
	DeadLetter                    // it becomes a dead letter
)

// Settlement ends a lock.
type Settlement struct {
	Verdict             Verdict
	Reason, Description string         // of DeadLetter
	Properties          map[string]any // to put into the message, but for Complete and Release
}

// Settle settles a message by its lock. The error is LockLost when nobody has it.
func (e *Entity) Settle(token Token, s Settlement) error {
	now, err := e.enter()
	if err != nil {
		return err
	}
	defer e.leave(now)
	m := e.locks[token]
	if m == nil {
		return lockLost()
	}
	if s.Properties, err = plain(s.Properties); err != nil {
		return err
	}
	switch s.Verdict {
	case Complete:
		e.remove(m)
	case Abandon:
		m.change(s.Properties)
		e.comeBack(m, now, 1)
	case Release:
		e.comeBack(m, now, 0)
	case Defer:
		m.change(s.Properties)
		if m.state == active {
			e.counts.Active--
			e.counts.Deferred++
		}
		m.state = deferred
		e.comeBack(m, now, 0)
	case DeadLetter:
		if e.live != nil {
			return fail(NotAllowed, 400, "A message of a dead letter queue cannot be dead-lettered.")
		}
		e.remove(m)
		properties := map[string]any{}
		maps.Copy(properties, s.Properties)
		if s.Reason != "" {
			properties[propertyReason] = s.Reason
		}
		if s.Description != "" {
			properties[propertyDescription] = s.Description
		}
		e.bury(m, now, properties)
	default:
		return fail(BadArgument, 400, "%d is no way to settle a message.", s.Verdict)
	}
	return nil
}

// expireLater has a message that is neither ready nor locked expire.
func (e *Entity) expireLater(m *message) {
	if m.expires > 0 && !m.locked && m.entity == e {
		e.due.Set(m, m.expires)
	}
}

// Renew renews a lock and answers its end. The error is LockLost when nobody has it.
func (e *Entity) Renew(token Token) (time.Time, error) {
	now, err := e.enter()
	if err != nil {
		return time.Time{}, err
	}
	defer e.leave(now)
	m := e.locks[token]
	if m == nil {
		return time.Time{}, lockLost()
	}
	if m.session != nil {
		return time.Time{}, fail(NotAllowed, 400, "The lock of a message of a session is that of the session.")
	}
	m.until = now + e.config.LockDuration
	e.due.Set(m, m.until)
	return e.broker.at(m.until), nil
}

// Deferred locks messages that were deferred, by their sequence numbers: all, or
// none. With settled they are deleted at once. Those of a session are locked with it:
// the error is SessionLockLost when nobody has it.
func (e *Entity) Deferred(numbers []int64, settled bool) ([]Delivery, error) {
	now, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer e.leave(now)
	if err := once(numbers); err != nil {
		return nil, err
	}
	for _, n := range numbers {
		m := e.numbers[n]
		if m == nil || m.state != deferred || m.locked {
			return nil, fail(Missing, 404, "There is no deferred message with the sequence number %d.", n)
		}
		if m.session != nil && !m.session.locked {
			return nil, sessionLost(m.session.id)
		}
	}
	deliveries := make([]Delivery, len(numbers))
	for i, n := range numbers {
		m := e.numbers[n]
		if settled {
			deliveries[i].Message = m.encode()
			e.remove(m)
			continue
		}
		e.lock(m, now, nil)
		deliveries[i] = Delivery{m.token, m.encode()}
	}
	return deliveries, nil
}

// LoseLocks ends all locks at once, as if they had run out: a fault.
func (e *Entity) LoseLocks() {
	now, err := e.enter()
	if err != nil {
		return
	}
	defer e.leave(now)
	var sessions []*session
	for s, ok := e.held.Due(1<<63 - 1); ok; s, ok = e.held.Due(1<<63 - 1) {
		sessions = append(sessions, s)
	}
	for _, s := range sessions { // whoever waits for one has it after that
		s.expire(now)
	}
	locked := slices.SortedFunc(maps.Values(e.locks), bySequence)
	for _, m := range locked {
		e.comeBack(m, now, 1)
	}
}
