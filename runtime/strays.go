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
	// all are guarded by mu. The keys are closed when the handler returns. A task
	// that came as two messages at once may have two handlers.
	all map[<-chan struct{}]stray
}

// stray is whose handler it is. The worker is nil when the handler ran without one.
type stray struct {
	id     TaskID
	worker *Worker
}

// add notes a handler, whose return closes returned.
func (s *strays) add(id TaskID, w *Worker, returned <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[<-chan struct{}]stray)
	}
	s.all[returned] = stray{id, w}
	s.n.Store(int32(len(s.all)))
}

// has says whether a handler of the task still runs.
func (s *strays) has(id TaskID) bool {
	if s.n.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	for _, other := range s.all {
		if other.id == id {
			return true
		}
	}
	return false
}

// sweep forgets those that have returned. The caller holds mu.
func (s *strays) sweep() {
	for returned := range s.all {
		select {
		case <-returned:
			delete(s.all, returned)
		default:
		}
	}
	s.n.Store(int32(len(s.all)))
}

// of are a worker's: the tasks whose handlers still run, by what is closed when
// they return.
func (s *strays) of(w *Worker) map[<-chan struct{}]TaskID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	some := make(map[<-chan struct{}]TaskID)
	for returned, other := range s.all {
		if other.worker == w {
			some[returned] = other.id
		}
	}
	return some
}

// wait waits until a worker has none left that there are now, or for the end of ctx.
func (s *strays) wait(ctx context.Context, w *Worker) {
	for returned := range s.of(w) {
		select {
		case <-returned:
		case <-ctx.Done():
			return
		}
	}
}
