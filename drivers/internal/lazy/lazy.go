// Package lazy makes what a driver needs at its first call: opening does no I/O, and to
// look for credentials may take some.
package lazy

import (
	"context"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
)

// Value is a T that is given, or made once. It is safe for concurrent use.
type Value[T any] struct {
	made atomic.Pointer[T]
	own  atomic.Bool   // made here, so the owner's to close
	turn chan struct{} // holds a token while somebody makes it; never closed
}

// New makes a Value that is not made yet.
func New[T any]() *Value[T] { return &Value[T]{turn: make(chan struct{}, 1)} }

// Give sets a value that is the caller's.
func (v *Value[T]) Give(given *T) { v.made.Store(given) }

// Get is the value, made by f where there is none: one call of f at a time, and after an
// error the next Get tries again. Its own error is that of a context that has ended.
func (v *Value[T]) Get(ctx context.Context, op string, f func() (*T, error)) (*T, error) {
	if got := v.made.Load(); got != nil {
		return got, nil
	}
	select {
	case v.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, driver.ContextError(ctx, op)
	}
	defer func() { <-v.turn }()
	if got := v.made.Load(); got != nil {
		return got, nil
	}
	got, err := f()
	if err != nil {
		return nil, err
	}
	v.made.Store(got)
	v.own.Store(true)
	return got, nil
}

// Take is what Get has made, for who closes it: once, and nil for what was given.
func (v *Value[T]) Take() *T {
	if !v.own.Swap(false) {
		return nil
	}
	return v.made.Load()
}
