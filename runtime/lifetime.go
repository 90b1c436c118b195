package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// memoryPeriod is how often a worker with a MaxMemory looks at its memory.
	memoryPeriod = 5 * time.Second
	// liveHeap is what the last garbage collection left, in bytes.
	liveHeap = "/gc/heap/live:bytes"
	// lifeSpread is the part of a limit by which it may be lower, so that workers
	// which started together do not end together.
	lifeSpread = 0.1
)

// ErrRecycle is what [Worker.Run] returns when the worker has reached MaxTasks,
// MaxAge or MaxMemory and has drained: nothing is wrong, and whoever runs the
// program is to start it again.
var ErrRecycle = errors.New("the worker has reached a limit of its life and has drained; start another")

// lifetime ends a worker that has reached a limit. It is safe for concurrent use.
type lifetime struct {
	tasks  int64 // 0 for no limit, as below
	age    time.Duration
	memory uint64

	ran  atomic.Int64
	over chan string // capacity 1, never closed; says which limit was reached
}

// newLifetime takes up to a tenth off each limit, by chance.
func newLifetime(o *WorkerOptions) *lifetime {
	less := 1 - lifeSpread*rand.Float64() //nolint:gosec // it only spreads
	part := func(limit int64) int64 {
		if limit < 10 {
			return limit
		}
		return int64(less * float64(limit))
	}
	return &lifetime{
		tasks: part(int64(o.MaxTasks)), age: time.Duration(part(int64(o.MaxAge))), memory: uint64(part(o.MaxMemory)), //nolint:gosec // not negative, see fill
		over: make(chan string, 1),
	}
}

// end says that a limit is reached; the first one counts.
func (t *lifetime) end(format string, args ...any) {
	select {
	case t.over <- fmt.Sprintf(format, args...):
	default:
	}
}

// count notes that a handler has returned.
func (t *lifetime) count() {
	if t.tasks > 0 && t.ran.Add(1) == t.tasks {
		t.end("%d attempts", t.tasks)
	}
}

// watch looks at age and memory until ctx ends or a limit is reached.
func (t *lifetime) watch(ctx context.Context) {
	born := time.Now()
	sample := []metrics.Sample{{Name: liveHeap}}
	for {
		wait := time.Duration(1<<63 - 1)
		if t.age > 0 {
			wait = t.age - time.Since(born)
		}
		if t.memory > 0 {
			wait = min(wait, memoryPeriod)
		}
		if sleep(ctx, wait) != nil {
			return
		}
		if t.age > 0 && time.Since(born) >= t.age {
			t.end("%v old", t.age)
			return
		}
		if t.memory == 0 {
			continue
		}
		metrics.Read(sample)
		if live := sample[0].Value.Uint64(); live > t.memory {
			t.end("%d bytes of live heap, more than %d", live, t.memory)
			return
		}
	}
}
