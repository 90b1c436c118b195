// Package gate counts the calls of a driver that are in flight, so that Close can
// wait for them.
package gate

import (
	"context"
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

// Gate lets calls in until it is closed. It is safe for concurrent use.
type Gate struct {
	done chan struct{} // closed by Close: no further request but the one under way

	mu     sync.Mutex
	calls  int           // guarded by mu
	closed bool          // guarded by mu
	idle   chan struct{} // closed when calls falls to 0 after Close; guarded by mu
}

// New makes a Gate that is open.
func New() *Gate { return &Gate{done: make(chan struct{}), idle: make(chan struct{})} }

// Done is closed once Close has begun.
func (g *Gate) Done() <-chan struct{} { return g.done }

// Enter lets a call in, unless the queue is closed: then it is Closed. The caller leaves.
func (g *Gate) Enter(op string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return driver.Errorf(driver.Closed, op, "the queue is closed")
	}
	g.calls++
	return nil
}

// Begin lets in a call of n items, but none on a closed queue, with more than most items
// or with an ended context. The caller leaves when it got no error.
func (g *Gate) Begin(ctx context.Context, op string, n, most int) error {
	if err := g.Enter(op); err != nil {
		return err
	}
	err := driver.CheckBatch(op, n, most)
	if err == nil && ctx.Err() != nil {
		err = driver.ContextError(ctx, op)
	}
	if err != nil {
		g.Leave()
	}
	return err
}

// Closing is true once Close has begun.
func (g *Gate) Closing() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// Join counts a part of a call that is in, which may outlast it. It leaves like a call.
func (g *Gate) Join() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
}

// Leave ends a call that is in.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls--; g.calls == 0 && g.closed {
		close(g.idle)
	}
}

// Close lets nobody in any more, and waits for the calls in flight until ctx ends.
func (g *Gate) Close(ctx context.Context, op string) error {
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
