package pushentry

import (
	"context"
	"sync/atomic"
	"time"
)

// limit is how many pushes are worked on at the same time. It is safe for concurrent
// use.
type limit struct {
	most  int64
	taken atomic.Int64
	// alone has the turn of those that run one at a time; capacity 1, never closed.
	alone chan struct{}
}

func newLimit(most int) *limit { return &limit{most: int64(most), alone: make(chan struct{}, 1)} }

// take takes a place, if one is free.
func (l *limit) take() bool {
	if l.taken.Add(1) > l.most {
		l.taken.Add(-1)
		return false
	}
	return true
}

// give gives a place back.
func (l *limit) give() { l.taken.Add(-1) }

// waitAlone waits for its turn, at most for d or until ctx ends.
func (l *limit) waitAlone(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case l.alone <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// endAlone ends the turn.
func (l *limit) endAlone() { <-l.alone }
