package broker

import "time"

// seen are the message ids by which duplicates are told.
type seen struct {
	until map[string]time.Duration
	order []sighting // the oldest first
}

type sighting struct {
	id    string
	until time.Duration
}

func newSeen() seen { return seen{until: make(map[string]time.Duration)} }

// before says whether id was sent within the window, and notes it if not.
func (s *seen) before(id string, now, window time.Duration) bool {
	if window == 0 || id == "" {
		return false
	}
	for len(s.order) > 0 && s.order[0].until <= now {
		if s.until[s.order[0].id] <= now {
			delete(s.until, s.order[0].id)
		}
		s.order = s.order[1:]
	}
	if until, ok := s.until[id]; ok && until > now { // a window that was made smaller leaves some that are over
		return true
	}
	s.until[id] = now + window
	s.order = append(s.order, sighting{id, now + window})
	return false
}
