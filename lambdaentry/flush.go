package lambdaentry

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	// flushTime bounds a flush where an invocation has no end.
	flushTime = 2 * time.Second
	// flushGrace is how much longer a flush may take to heed its context.
	flushGrace = 20 * time.Millisecond
)

// flush has telemetry sent before the process may be frozen. One that does not heed its
// context is left, or it would cost the answer; none begins beside it.
func (b *batch) flush(ctx context.Context) {
	if b.options.Flush == nil {
		return
	}
	limit := flushTime
	if end := b.times.end; !end.IsZero() {
		limit = min(limit, time.Until(end.Add(-end.Sub(b.times.settle)/2)))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit) // the settles' may be cut off
	defer cancel()
	late := time.NewTimer(limit + flushGrace)
	defer late.Stop()
	var err error
	select {
	case b.flushing <- struct{}{}:
		ended := make(chan error, 1)
		b.stay()
		go func() { // ends with the hook
			defer b.leave()
			defer func() { <-b.flushing }()
			err := errors.New("the hook ended its goroutine")
			defer func() { ended <- err }()
			err = b.callFlush(ctx)
		}()
		select {
		case err = <-ended:
		case <-late.C:
			err = errors.New("the hook does not heed the end of its context")
		}
	case <-ctx.Done():
		err = errors.New("an earlier flush still runs")
	}
	if err != nil {
		b.options.Logger.Warn("telemetry was not flushed", "error", err)
	}
}

// callFlush calls the hook; a panic of it is an error.
func (h *Handler) callFlush(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.options.Logger.Error("a hook panicked", "hook", "Flush", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("the hook panicked: %v", v)
		}
	}()
	return h.options.Flush(ctx)
}
