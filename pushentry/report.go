package pushentry

import "github.com/longshore-dev/longshore/runtime"

// report tells the program how a run of a task ended.
func (h *Handler) report(x *run, d runtime.Decision, err error) {
	o := &h.options
	if err != nil {
		o.Logger.Warn("a message was not settled and may come back",
			"queue", x.route.queue.Name, "message", x.id, "verdict", d.Settlement.Verdict.String(), "error", err)
	}
	s := runtime.Settled{Queue: x.route.queue.Name, MessageID: x.id, Decision: d, Err: err}
	s.Tell(o.Logger, o.OnSettled, o.OnError, o.OnDead)
}
