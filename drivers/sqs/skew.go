package sqs

import (
	"sync"
	"time"
)

// skew tells how late an answer is: by how much more its arrival lies behind the
// time that the server wrote into it than that of the quickest answer of late. So
// an answer that waited for a process which was paused is known for what it is.
type skew struct {
	start time.Time // of the queue's handle; has both clocks

	mu       sync.Mutex
	since    time.Time     // when current began; guarded by mu
	current  time.Duration // the least distance in this window; guarded by mu
	previous time.Duration // that of the window before; guarded by mu
	begun    bool          // guarded by mu
}

// skewWindow is for how long the quickest answer counts, once to twice: clocks
// drift apart.
const skewWindow = 5 * time.Minute

// dateGrain is how exact the time in an answer is.
const dateGrain = time.Second

// late is how late an answer is that arrived now, 0 where it is no more than the
// grain of the server's time explains.
func (s *skew) late(arrived, server time.Time) time.Duration {
	if server.IsZero() {
		return 0
	}
	// Since the start by the monotonic clock, so that nobody who sets the clock
	// makes answers late.
	distance := arrived.Sub(s.start) - server.Sub(s.start.Round(0))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.begun:
		s.since, s.current, s.previous, s.begun = arrived, distance, distance, true
	case arrived.Sub(s.since) >= skewWindow:
		s.since, s.previous, s.current = arrived, s.current, distance
	default:
		s.current = min(s.current, distance)
	}
	if d := distance - min(s.current, s.previous); d > dateGrain {
		return d
	}
	return 0
}
