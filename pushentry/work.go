package pushentry

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

var (
	errNoResult   = errors.New("the run ended without a result")
	errUnanswered = errors.New("nobody waits for the answer any more; the message comes again")
)

// do runs the task of a message and answers who waits for it. It has a place, which it
// gives back.
func (h *Handler) do(ctx context.Context, x *run) {
	a := answerFault
	defer func() {
		if v := recover(); v != nil {
			h.options.Logger.Error("a push met a fault of its endpoint", "message", x.id, "panic", v, "stack", string(debug.Stack()))
			h.stats.refuse(answerFault.status)
			a = answerFault
		}
		h.limit.give()
		h.runs.end(x, a)
	}()
	decision := release(errNoResult)
	defer func() { a = h.conclude(ctx, x, decision) }() // also when the handler has ended this goroutine
	decision = h.decide(ctx, x)
}

// decide runs the handler, unless the task has to wait for its turn in vain, or has no
// time left.
func (h *Handler) decide(ctx context.Context, x *run) runtime.Decision {
	lease, _ := h.runs.newest(x)
	ctx, cancel := context.WithDeadlineCause(ctx, lease.Expires().Add(-h.margin(lease)), runtime.ErrTimeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	h.runs.begin(x, stop)
	delivery := runtime.Delivery{Lease: lease, Queue: x.route.hosted}
	if h.mux.Suspect(delivery) {
		if !h.limit.waitAlone(ctx, time.Until(lease.Expires())/2, h.runs.shut) {
			return release(nil)
		}
		defer h.limit.endAlone()
	}
	if ctx.Err() != nil { // its body came too late; another instance may have the task by now
		return release(nil)
	}
	return h.mux.Dispatch(ctx, delivery)
}

func release(err error) runtime.Decision {
	return runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Verdict: driver.Release}, Err: err}
}

// margin is how long before the end of its lease a handler is stopped.
func (h *Handler) margin(lease driver.Lease) time.Duration {
	if h.options.Margin > 0 {
		return h.options.Margin
	}
	return min(max(lease.Expires().Sub(lease.Received())/9, time.Second), 5*time.Second)
}
