package runtime

import (
	"context"
	"sync"
	"sync/atomic"
)

// strays are handlers that were given up at their hard timeout and still run. It
// is safe for concurrent use.
type strays struct {
	n  atomic.Int32
	mu sync.Mutex
	// ids are guarded by mu. The keys are closed when the handler returns. A task
	// that came as two messages at once may have two handlers.
	ids map[<-chan struct{}]TaskID
}

// add notes a handler, whose return closes returned.
func (s *strays) add(id TaskID, returned <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = make(map[<-chan struct{}]TaskID)
	}
	s.ids[returned] = id
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
	for _, other := range s.ids {
		if other == id {
			return true
		}
	}
	return false
}

// sweep forgets those that have returned. The caller holds mu.
func (s *strays) sweep() {
	for returned := range s.ids {
		select {
		case <-returned:
			delete(s.ids, returned)
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
	for _, id := range s.ids {
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
		for one = range s.ids {
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
