// Package armed keeps the faults that a test has armed on an in-process server.
package armed

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Faults are faults of type F, of which an operation is struck by the first that fits.
// The zero Faults has none. It is safe for concurrent use.
type Faults[F any] struct {
	any atomic.Bool // whether some are armed

	mu    sync.Mutex
	armed []*one[F] // guarded by mu
}

type one[F any] struct {
	fault      F
	skip, left int // guarded by mu of the Faults
	counted    bool
}

// Arm arms a fault: it lets skip operations pass that fit it, and strikes count then; 0
// means all. The function that it answers disarms it.
func (fs *Faults[F]) Arm(fault F, skip, count int) (disarm func()) {
	a := &one[F]{fault: fault, skip: skip, left: count, counted: count > 0}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.armed = append(fs.armed, a)
	fs.any.Store(true)
	return func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.remove(a)
	}
}

func (fs *Faults[F]) remove(a *one[F]) {
	fs.armed = slices.DeleteFunc(fs.armed, func(b *one[F]) bool { return a == b })
	fs.any.Store(len(fs.armed) > 0)
}

// Strike is a copy of the first fault that fits an operation, and counts it; nil where
// none does. Fits must not call the Faults.
func (fs *Faults[F]) Strike(fits func(fault *F) bool) *F {
	if !fs.any.Load() {
		return nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.armed {
		if !fits(&a.fault) {
			continue
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		fault := a.fault
		if a.counted {
			if a.left--; a.left == 0 {
				fs.remove(a)
			}
		}
		return &fault
	}
	return nil
}
