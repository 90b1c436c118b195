package runtime

import (
	"context"
	"sync"
	"sync/atomic"
)

// strays are handlers that were given up at their hard timeout and still run. It
// is safe for concurrent use.
type strays struct {
	n   atomic.Int32
	mu  sync.Mutex
	ids map[TaskID]<-chan struct{} // guarded by mu; closed when the handler returns
}

// add notes a handler, whose return closes returned. There is at most one a
// task, because no other is started meanwhile.
func (s *strays) add(id TaskID, returned <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = make(map[TaskID]<-chan struct{})
	}
	s.ids[id] = returned
	s.n.Store(int32(len(s.ids)))
}

// has says whether a handler of the task still runs.
func (s *strays) has(id TaskID) bool {
	if s.n.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	_, ok := s.ids[id]
	return ok
}

// sweep forgets those that have returned. The caller holds mu.
func (s *strays) sweep() {
	for id, returned := range s.ids {
		select {
		case <-returned:
			delete(s.ids, id)
		default:
		}
	}
	s.n.Store(int32(len(s.ids)))
}

// all are the tasks whose handlers still run.
func (s *strays) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	ids := make([]string, 0, len(s.ids))
	for id := range s.ids {
		ids = append(ids, string(id))
	}
	return ids
}

// wait waits until none is left, or for the end of ctx.
func (s *strays) wait(ctx context.Context) {
	for {
		s.mu.Lock()
		s.sweep()
		var one <-chan struct{}
		for _, one = range s.ids {
			break
		}
		s.mu.Unlock()
		if one == nil {
			return
		}
		select {
		case <-one:
		case <-ctx.Done():
			return
		}
	}
}
