package runtime

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// call runs the handler within its time limits, for a worker or for none. A panic
// and the end of the handler's goroutine become errors.
func (m *Mux) call(ctx context.Context, h *handler, t *Info, w *Worker) error {
	if h.soft() == 0 {
		return h.safely(ctx, t)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.soft(), ErrTimeout)
	defer cancel()
	if h.hardTimeout > 0 {
		return m.callHard(ctx, h, t, w)
	}
	return h.safely(ctx, t)
}

// soft is after how long the handler's context ends; 0 for never.
func (h *handler) soft() time.Duration {
	if h.timeout == 0 {
		return h.hardTimeout - h.hardTimeout/10
	}
	return h.timeout
}

// callHard calls the handler in a goroutine of its own, which is left behind at
// the hard timeout.
func (m *Mux) callHard(ctx context.Context, h *handler, t *Info, w *Worker) error {
	ended := make(chan error, 1)
	returned := make(chan struct{})
	go func() { // ended by the handler; see strays
		defer close(returned)
		err := errGoexit
		defer func() {
			if v := recover(); v != nil { // of a method of the error
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
			ended <- err
		}()
		err = h.safely(ctx, t)
	}()
	limit := time.NewTimer(h.hardTimeout)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
	}
	select {
	case err := <-ended: // both at once
		return err
	default:
	}
	m.strays.add(t.ID, w, returned)
	return fmt.Errorf("%w: the handler did not return within %v and was given up", ErrTimeout, h.hardTimeout)
}

// safely runs the handler and turns a panic into an error.
func (h *handler) safely(ctx context.Context, t *Info) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil && errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), ErrTimeout) {
			if h.soft() == 0 { // its host's
				err = fmt.Errorf("%w: %w", ErrTimeout, err)
			} else {
				err = fmt.Errorf("%w after %v: %w", ErrTimeout, h.soft(), err)
			}
		}
	}()
	if h.wrapped {
		t.next, t.task = &nextCall{task: t.task}, nil
		if err = h.run(ctx, t); err == nil && !t.next.returned.Load() {
			return errNextForgotten
		}
		return err
	}
	return h.run(ctx, t)
}
