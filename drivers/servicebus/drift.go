package servicebus

import (
	"sync"
	"time"
)

// drift tells how late a message arrived, by the end of its lock as the broker wrote it
// into the message: one that waited in the client, or for a process which was paused,
// has less of its lock left than one that just came. How far the clocks are apart it
// learns from those that came at once.
type drift struct {
	start time.Time // of the queue's handle; has both clocks

	mu sync.Mutex
	// The greatest distance between the beginning of a lock by the broker's clock and
	// its arrival by ours, in the window that began at since and in the one before;
	// guarded by mu.
	since             time.Time
	current, previous time.Duration
}

const (
	// driftWindow is for how long the quickest message counts, once to twice, as clocks
	// drift apart.
	driftWindow = 5 * time.Minute
	// driftTolerated is what the drift of a window and the network explain.
	driftTolerated = time.Second
)

// late learns from a lock of length hold that ends at until by the broker's clock, and
// says how late it arrived: 0 where that is no more than is tolerated.
func (d *drift) late(arrived, until time.Time, hold time.Duration) time.Duration {
	// Since the start by the monotonic clock, so that nobody who sets the clock makes
	// messages late.
	distance := until.Add(-hold).Sub(d.start.Round(0)) - arrived.Sub(d.start)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch age := arrived.Sub(d.since); {
	case d.since.IsZero() || age >= 2*driftWindow:
		d.since, d.current, d.previous = arrived, distance, distance
	case age >= driftWindow:
		d.since, d.current, d.previous = arrived, distance, d.current
	default:
		d.current = max(d.current, distance)
	}
	if late := max(d.current, d.previous) - distance; late > driftTolerated {
		return min(late, hold)
	}
	return 0
}
