package pushentry

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// conclude does with a decision what there is to do, tells the program of it and says
// how the push is answered.
func (h *Handler) conclude(ctx context.Context, x *run, d runtime.Decision) answer {
	lease, awaited := h.runs.newest(x)
	d.Settlement.Lease = lease
	ctx, cancel := context.WithDeadline(ctx, lease.Expires()) // the handler's own may have ended
	defer cancel()
	a, err := h.settle(ctx, x, &d, awaited)
	h.report(x, d, err)
	return a
}

// settle buries, or sends a copy; whatever else becomes of a task is in the answer.
// Where nobody waits for that the message comes again, so that it is left alone.
func (h *Handler) settle(ctx context.Context, x *run, d *runtime.Decision, awaited bool) (answer, error) {
	s := &d.Settlement
	switch {
	case d.Action == runtime.Settle && s.Verdict == driver.Ack:
		if !awaited {
			h.stats.released.Add(1)
			return answerDone, errUnanswered // somebody may come yet
		}
		h.stats.acked.Add(1)
		return answerDone, nil
	case d.Action == runtime.Settle && s.Verdict == driver.Release:
		h.stats.released.Add(1)
		if !awaited {
			return released(d.Pause), errUnanswered
		}
		return released(d.Pause), nil
	case d.Action == runtime.Settle && s.Verdict == driver.Bury && awaited:
		if err := told(ctx, x, d, func(ctx context.Context) error { return bury(ctx, x.route, s) }); err != nil {
			h.stats.released.Add(1)
			return answerReleased, err
		}
		h.stats.buried.Add(1)
		return answerDone, nil
	case d.Action == runtime.CopyThenAck && awaited:
		if err := told(ctx, x, d, func(ctx context.Context) error { return send(ctx, x.route, d.Copy) }); err != nil {
			h.stats.released.Add(1)
			return answerReleased, err
		}
		h.stats.copied.Add(1)
		return answerDone, nil
	}
	h.stats.released.Add(1)
	return released(d.Pause), runtime.ErrLeaseLost
}

func released(pause time.Duration) answer {
	if pause <= 0 {
		return answerReleased
	}
	a := answerBusy
	a.text, a.retryAfter = "the queue is paused", pause
	return a
}

// told makes a call, with its tries, of which telemetry is told.
func told(ctx context.Context, x *run, d *runtime.Decision, call func(context.Context) error) (err error) {
	ctx, end := runtime.Settling(ctx, []runtime.Settled{{Queue: x.route.queue.Name, MessageID: x.id, Decision: *d}})
	defer func() { end([]error{err}) }()
	return call(ctx)
}

// bury puts a message into the dead letter, by several tries while its lease lasts.
func bury(ctx context.Context, q *route, s *driver.Settlement) error {
	return again(ctx, func() error {
		err := q.queue.Driver.Settle(ctx, []driver.Settlement{*s})[0]
		if driver.Is(err, driver.TooLarge) && s.Detail != "" {
			s.Detail = ""
			err = q.queue.Driver.Settle(ctx, []driver.Settlement{*s})[0]
		}
		return err
	})
}

// send sends a copy, which keeps its send id through all tries.
func send(ctx context.Context, q *route, m *driver.Message) error {
	return again(ctx, func() error { return q.queue.Driver.Send(ctx, []driver.Message{*m})[0].Err })
}

const (
	firstWait = 50 * time.Millisecond
	mostWait  = 2 * time.Second
)

// again makes a call until it succeeds, fails for good, or ctx ends. The error is that
// of the last try.
func again(ctx context.Context, call func() error) error {
	var last error
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		err := call()
		if err == nil || !driver.Retryable(err) && (last == nil || ctx.Err() == nil) {
			return err
		}
		if ctx.Err() != nil { // the error is of ctx, and an earlier one says more
			return errors.Join(last, err)
		}
		last = err
		pause := wait/2 + rand.N(wait/2)
		if e, ok := errors.AsType[*driver.Error](err); ok {
			pause = max(pause, e.RetryAfter)
		}
		if !sleep(ctx, pause) {
			return last
		}
	}
}

// sleep waits for d, and says whether that was before the end of ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
