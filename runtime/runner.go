package runtime

import (
	"context"
	"errors"
	"log/slog"

	"github.com/longshore-dev/longshore/driver"
)

var errGoexit = errors.New("the handler ended its goroutine (runtime.Goexit)")

// run is a runner: it works on one delivery after the other until there are no
// more.
func (w *Worker) run(ctx context.Context) {
	h := w.schedule.next(nil, false)
	defer func() {
		if h != nil { // a handler called Goexit: another runner takes this one's place
			w.schedule.leave(h)
			w.runners.Go(func() { w.run(ctx) })
		}
	}()
	for h != nil {
		h = w.schedule.next(h, w.work(ctx, h))
	}
}

// work does one delivery and says whether its handler was called.
func (w *Worker) work(ctx context.Context, h *held) (ran bool) {
	l := h.lane
	c := newCancelable(ctx)
	defer c.end()
	lease := l.begin(h, c)
	if lease == nil {
		w.alone.leave(h)
		l.giveBack(h)
		return false
	}
	delivery := Delivery{Lease: lease, Queue: l.queue, Behind: h.behind, held: h}
	decision := Decision{Action: Settle, Settlement: driver.Settlement{Verdict: driver.Release}, Err: errGoexit}
	returned := false
	defer func() {
		if !returned && h.exit != nil {
			decision = *h.exit
		}
		if ran = h.ran; ran {
			h.ran = false
			w.life.count()
		}
		w.alone.leave(h) // before another runner can have h again
		l.decide(h, decision)
	}()
	if h.fork {
		decision = ack(delivery)
	} else {
		decision = w.mux.Dispatch(c, delivery)
	}
	returned = true
	if decision.Err != nil {
		w.log(c, h, &decision)
	}
	if decision.Pause > 0 {
		w.schedule.pause(l.share, decision.Pause)
	}
	return // ran
}

// log says what became of an attempt that failed.
func (w *Worker) log(ctx context.Context, h *held, d *Decision) {
	level, text := slog.LevelWarn, "task failed"
	s := &d.Settlement
	attrs := []slog.Attr{slog.String("queue", h.lane.queue.Name), slog.String("message", h.id)}
	if t := d.Task; t != nil {
		attrs = append(attrs, slog.String("task", string(t.ID)), slog.String("kind", t.Kind), slog.Int("attempt", t.Attempt))
	}
	switch {
	case d.Action == Nothing:
		text = "task failed after its lease was lost"
	case s.Verdict == driver.Bury:
		level, text = slog.LevelError, "task buried"
		attrs = append(attrs, slog.String("reason", s.Reason))
	case s.Verdict == driver.Release:
		attrs = append(attrs, slog.Duration("again_in", s.Delay))
	}
	if p, ok := errors.AsType[*PanicError](d.Err); ok {
		level = slog.LevelError
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	w.options.Logger.LogAttrs(ctx, level, text, append(attrs, slog.Any("error", d.Err))...)
}

// giveBack releases a lease whose handler was not started, unless it was lost.
func (l *lane) giveBack(h *held) {
	l.decide(h, Decision{Action: Settle, Settlement: driver.Settlement{Verdict: driver.Release}})
}
