package pushentry

import (
	"context"
	"sync/atomic"
	"time"
)

// limit is how many pushes are worked on at the same time. It is safe for concurrent
// use.
type limit struct {
	places  chan struct{} // a token for each that is taken; never closed
	waiting atomic.Int64  // for a place
	// alone has the turn of those that run one at a time; capacity 1, never closed.
	alone chan struct{}
}

// lineTime is how long a push waits for a place. To refuse it costs its task one of
// Pub/Sub's deliveries, which are what attempts are counted by.
const lineTime = 2 * time.Second

func newLimit(most int) *limit {
	return &limit{places: make(chan struct{}, most), alone: make(chan struct{}, 1)}
}

// take takes a place. It waits a moment where none is free, unless as many wait already
// as there are places.
func (l *limit) take(ctx context.Context) bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > int64(cap(l.places)) {
		return false
	}
	timer := time.NewTimer(lineTime)
	defer timer.Stop()
	select {
	case l.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// give gives a place back.
func (l *limit) give() { <-l.places }

// waitAlone waits for its turn, at most for d, until ctx ends or none is given any more.
func (l *limit) waitAlone(ctx context.Context, d time.Duration, shut <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case l.alone <- struct{}{}:
		return true
	case <-timer.C:
	case <-shut:
	case <-ctx.Done():
	}
	return false
}

// endAlone ends the turn.
func (l *limit) endAlone() { <-l.alone }
