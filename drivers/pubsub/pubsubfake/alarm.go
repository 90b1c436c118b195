package pubsubfake

import "time"

// alarm calls ring with the server's mu held when a moment has come. It is set
// only while somebody waits, and is never set once the server is closed. Its
// methods are called with mu held.
type alarm struct {
	s     *Server
	ring  func()
	timer *time.Timer // nil when not set
	at    time.Duration
}

func (a *alarm) set(at time.Duration) {
	if a.timer != nil && a.at == at {
		return
	}
	a.stop()
	if a.s.closed {
		return
	}
	a.at = at
	a.s.alarms[a] = struct{}{}
	a.s.work.Add(1)
	var t *time.Timer
	t = time.AfterFunc(at-a.s.now(), func() {
		defer a.s.work.Done()
		a.s.mu.Lock()
		defer a.s.mu.Unlock()
		if a.timer != t { // stopped or set anew meanwhile
			return
		}
		a.timer = nil
		delete(a.s.alarms, a)
		a.ring()
	})
	a.timer = t
}

func (a *alarm) stop() {
	if a.timer == nil {
		return
	}
	if a.timer.Stop() {
		a.s.work.Done()
	}
	a.timer = nil
	delete(a.s.alarms, a)
}
