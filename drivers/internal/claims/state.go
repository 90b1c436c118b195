package claims

import (
	"context"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// State is what a driver remembers of one lease, as brokers do not say whether a
// lease has ended: until when it lasts, and whether an operation is under way on it.
// The zero State ended long ago. It is safe for concurrent use.
type State struct {
	mu    sync.Mutex
	end   time.Time     // by the local clock, extensions included; guarded by mu
	over  time.Time     // when the broker has ended it at the latest; guarded by mu
	busy  bool          // an operation is under way; guarded by mu
	ended bool          // it was settled, or the broker said that it is lost; guarded by mu
	freed chan struct{} // closed when the operation under way ends, if anybody waits; guarded by mu
}

// Last has the lease last until end, by the local clock, and for the broker until
// over at the latest.
func (s *State) Last(end, over time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end, s.over = end, over
}

// MayEnd notes that the lease may end at end already, or last until over: what
// becomes of an extend whose outcome is unknown.
func (s *State) MayEnd(end, over time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end.Before(s.end) {
		s.end = end
	}
	if over.After(s.over) {
		s.over = over
	}
}

// Past says whether the lease is past its end.
func (s *State) Past(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.end)
}

// Ended says whether the lease was settled, or lost by what the broker said.
func (s *State) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Free ends the operation under way. With ended, nothing more can be done with the
// lease.
func (s *State) Free(ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.ended = false, ended
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}

// claim begins an operation on the lease. It is false, without an error, while
// another is under way, and LeaseLost when the lease has ended: settled, or past its
// end by more than late allows.
func (s *State) claim(op string, now time.Time, late Lateness) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.busy:
		return false, nil
	case s.ended:
		return false, driver.Errorf(driver.LeaseLost, op, "the lease was settled, or is lost")
	case late == Never && !now.Before(s.end), late == UntilOver && !now.Before(s.over):
		return false, driver.Errorf(driver.LeaseLost, op, "the lease has expired")
	}
	s.busy = true
	return true, nil
}

// wait waits until no operation is under way, without beginning one.
func (s *State) wait(ctx context.Context, op string) error {
	s.mu.Lock()
	if !s.busy {
		s.mu.Unlock()
		return nil
	}
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	freed := s.freed
	s.mu.Unlock()
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return driver.ContextError(ctx, op)
	}
}
