package pubsub

import (
	"context"
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

// gate counts the calls in flight, for Close.
type gate struct {
	done chan struct{} // closed by close: no further request but the one under way

	mu     sync.Mutex
	calls  int           // guarded by mu
	closed bool          // guarded by mu
	idle   chan struct{} // closed when calls falls to 0 after close; guarded by mu
}

func (g *gate) init() { g.done, g.idle = make(chan struct{}), make(chan struct{}) }

// enter lets a call in, unless the queue is closed. The caller leaves.
func (g *gate) enter(op string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return driver.Errorf(driver.Closed, op, "the queue is closed")
	}
	g.calls++
	return nil
}

// closing is true once close has begun.
func (g *gate) closing() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// join counts a part of a call that is in, which may outlast it. It leaves like a call.
func (g *gate) join() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls--; g.calls == 0 && g.closed {
		close(g.idle)
	}
}

// close lets nobody in any more, and waits for the calls in flight.
func (g *gate) close(ctx context.Context, op string) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.done)
		if g.calls == 0 {
			close(g.idle)
		}
	}
	g.mu.Unlock()
	select {
	case <-g.idle:
		return nil
	default:
	}
	select {
	case <-g.idle:
		return nil
	case <-ctx.Done():
		return driver.ContextError(ctx, op)
	}
}
