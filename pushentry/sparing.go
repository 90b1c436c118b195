package pushentry

import (
	"sync"
	"time"
)

// sparing lets one warning a second through, as whoever can reach the server can cause
// one. It is safe for concurrent use.
type sparing struct {
	mu      sync.Mutex // guards what follows
	next    time.Time
	skipped int
}

// ask says whether to warn now, and how often it was not since the last time.
func (s *sparing) ask() (warn bool, skipped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		s.skipped++
		return false, 0
	}
	skipped = s.skipped
	s.next, s.skipped = now.Add(time.Second), 0
	return true, skipped
}
