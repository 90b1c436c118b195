package main

import (
	"context"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// changes wakes the one goroutine that waits for a state which a lock guards. It
// has capacity 1 and is never closed.
type changes chan struct{}

func newChanges() changes { return make(changes, 1) }

func (c changes) notify() {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits until ready, which is called with mu held, and says false when ctx
// ends first. Only one goroutine may wait at a time.
func (c changes) wait(ctx context.Context, mu sync.Locker, ready func() bool) bool {
	for {
		mu.Lock()
		ok := ready()
		mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-c:
		case <-ctx.Done():
			return false
		}
	}
}

// lookAgain is how often a queue that nobody else uses is compared with the
// account while nothing happens.
const lookAgain = time.Second

// waitOrEmpty calls wait until it says true, and says false when ctx ends first.
// It ends too, with true, when there is nothing left to wait for: look has shown
// an empty queue and the same account three times in a row. Stats are nil when
// they are not exact or not only ours.
func waitOrEmpty[A comparable](ctx context.Context, wait func(context.Context) bool, look func() (A, *driver.Stats)) bool {
	var before A
	for empty := 0; empty < 3; {
		looking, stop := context.WithTimeout(ctx, lookAgain)
		done := wait(looking)
		stop()
		if done || ctx.Err() != nil {
			return done
		}
		now, stats := look()
		if stats != nil && stats.Ready+stats.Leased+stats.Delayed == 0 && now == before {
			empty++
		} else {
			empty = 0
		}
		before = now
	}
	return true
}
