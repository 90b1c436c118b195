package runtime

import (
	"context"
	"fmt"
	"sync"
)

// cancelable is a context like one of context.WithCancelCause that is made in full
// only when somebody waits for its end, or when it ends while its handler runs:
// most handlers return before.
type cancelable struct {
	context.Context //nolint:containedctx // the parent: cancelable is a context itself

	mu     sync.Mutex
	ended  bool                    // guarded by mu; by end
	full   context.Context         //nolint:containedctx // guarded by mu; nil until it is needed
	cancel context.CancelCauseFunc // guarded by mu; of full
}

func newCancelable(parent context.Context) *cancelable { return &cancelable{Context: parent} }

// because ends it with a cause, for the handler to see.
func (c *cancelable) because(cause error) {
	c.mu.Lock()
	c.need()
	cancel := c.cancel
	c.mu.Unlock()
	cancel(cause)
}

// end ends it and releases what it holds.
func (c *cancelable) end() {
	c.mu.Lock()
	c.ended = true
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(nil)
	}
}

// need makes it in full. The caller holds mu.
func (c *cancelable) need() {
	if c.full != nil {
		return
	}
	if c.ended { // before its parent, if that has ended too
		c.full, c.cancel = context.WithCancelCause(context.WithoutCancel(c.Context))
		c.cancel(nil)
		return
	}
	c.full, c.cancel = context.WithCancelCause(c.Context)
}

func (c *cancelable) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.need()
	return c.full.Done()
}

func (c *cancelable) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.full != nil:
		return c.full.Err()
	case c.ended:
		return context.Canceled
	}
	return c.Context.Err()
}

// Value answers for context.Cause too, which asks by a key of its own: of a context
// that has ended it is asked of the full one.
func (c *cancelable) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		c.need()
	}
	if c.full != nil {
		return c.full.Value(key)
	}
	return c.Context.Value(key)
}

// String keeps fmt from reading the fields, which are guarded.
func (c *cancelable) String() string { return fmt.Sprint(c.Context) + ".WithCancel" }

var _ context.Context = (*cancelable)(nil)
