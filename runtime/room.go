package runtime

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// maxPrefetch is the most leases held beyond those whose handlers can run.
	maxPrefetch = 1000
	// soon is how far ahead a worker leases what it cannot start yet.
	soon = 100 * time.Millisecond
	// rateWindow is how often the rate is measured.
	rateWindow = 50 * time.Millisecond
)

// room bounds how many leases a worker holds, from receive to settle: as many as
// it has runners, and beyond that what it finishes within a moment, measured, so
// that quick handlers never wait for a receive and slow ones hoard nothing. It
// is safe for concurrent use.
type room struct {
	size     int // runners
	used     atomic.Int64
	prefetch atomic.Int64

	waiting  atomic.Int64  // pollers in enter
	notify   chan struct{} // capacity 1, never closed; wakes one of them
	finished atomic.Int64  // leases ever given back

	measured atomic.Int64 // nanoseconds since start of the last measurement
	counted  atomic.Int64 // finished by then
	start    time.Time
}

func newRoom(size int) *room {
	return &room{size: size, notify: make(chan struct{}, 1), start: time.Now()}
}

func (r *room) limit() int64 { return int64(r.size) + r.prefetch.Load() }

// enough is how much room a poller waits for: with quick handlers a good part of
// it, so that receives are batches.
func (r *room) enough() int64 { return max(1, r.prefetch.Load()/4) }

// enter waits for room and reserves up to most leases; with reserve false it
// waits only. The error is that of ctx.
func (r *room) enter(ctx context.Context, most int, reserve bool) (int, error) {
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	for {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		used := r.used.Load()
		if free := r.limit() - used; free >= r.enough() {
			if !reserve {
				r.wake() // the room is still there for another
				return most, nil
			}
			n := min(int64(most), free)
			if !r.used.CompareAndSwap(used, used+n) {
				continue
			}
			if free > n {
				r.wake()
			}
			return int(n), nil
		}
		select {
		case <-r.notify:
		case <-ctx.Done():
		}
	}
}

// force takes n leases whether there is room or not.
func (r *room) force(n int) { r.used.Add(int64(n)) }

// cancel gives back n reserved leases that did not come.
func (r *room) cancel(n int) {
	if n > 0 {
		r.used.Add(int64(-n))
		r.check()
	}
}

// leave gives back n leases that have ended.
func (r *room) leave(n int) {
	r.finished.Add(int64(n))
	r.cancel(n)
}

// check wakes a poller if there is room for it.
func (r *room) check() {
	if r.waiting.Load() > 0 && r.limit()-r.used.Load() >= r.enough() {
		r.wake()
	}
}

func (r *room) wake() {
	select {
	case r.notify <- struct{}{}:
	default:
	}
}

// measure adapts the prefetch to the rate at which leases end. Hold is how long
// they run.
func (r *room) measure(hold time.Duration) {
	now, last := int64(time.Since(r.start)), r.measured.Load()
	if now-last < int64(rateWindow) || !r.measured.CompareAndSwap(last, now) {
		return
	}
	done := r.finished.Load()
	rate := float64(done-r.counted.Swap(done)) / time.Duration(now-last).Seconds()
	ahead := rate * min(soon, hold/10).Seconds()
	r.prefetch.Store(min(int64(ahead), int64(10*r.size), maxPrefetch))
	r.check()
}
