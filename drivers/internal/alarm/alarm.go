// Package alarm rings at a moment, for the in-process servers of the drivers: what
// they do by themselves, such as ending a lease. It uses package time only.
package alarm

import (
	"sync"
	"time"
)

// Set is the alarms of one server, whose mutex guards them: but for Wait the methods
// of a Set and of its Alarms are called with that held.
type Set struct {
	mu      *sync.Mutex
	start   time.Time // moments count from it
	closed  bool
	pending map[*Alarm]struct{} // those that are set
	rings   sync.WaitGroup      // those that are set, or ringing
}

// NewSet makes a Set that mu guards and whose moments count from start.
func NewSet(mu *sync.Mutex, start time.Time) *Set {
	return &Set{mu: mu, start: start, pending: make(map[*Alarm]struct{})}
}

// Close stops all alarms. None is set any more.
func (s *Set) Close() {
	s.closed = true
	for a := range s.pending {
		a.Stop()
	}
}

// Wait waits, after Close, for alarms that ring. The mutex must not be held.
func (s *Set) Wait() { s.rings.Wait() }

// Alarm calls a function, with the mutex of its Set held, when a moment has come.
// Set it only while somebody waits.
type Alarm struct {
	set   *Set
	ring  func()
	timer *time.Timer // nil when not set
	at    time.Duration
}

// New makes an Alarm that is not set. It must not be copied once it is.
func (s *Set) New(ring func()) Alarm { return Alarm{set: s, ring: ring} }

// Set has the alarm ring at the given moment, in place of any other.
func (a *Alarm) Set(at time.Duration) {
	if a.timer != nil && a.at == at {
		return
	}
	a.Stop()
	s := a.set
	if s.closed {
		return
	}
	a.at = at
	s.pending[a] = struct{}{}
	s.rings.Add(1)
	var t *time.Timer
	t = time.AfterFunc(at-time.Since(s.start), func() {
		defer s.rings.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.timer != t { // stopped or set anew meanwhile
			return
		}
		a.timer = nil
		delete(s.pending, a)
		a.ring()
	})
	a.timer = t
}

// Stop has the alarm not ring.
func (a *Alarm) Stop() {
	if a.timer == nil {
		return
	}
	if a.timer.Stop() {
		a.set.rings.Done()
	}
	a.timer = nil
	delete(a.set.pending, a)
}
