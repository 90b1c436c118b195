package pushentry

import (
	"runtime/debug"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// report tells the program how a run of a task ended.
func (h *Handler) report(x *run, d runtime.Decision, err error) {
	o := &h.options
	if err != nil {
		o.Logger.Warn("a message was not settled and may come back",
			"queue", x.route.queue.Name, "message", x.id, "verdict", d.Settlement.Verdict.String(), "error", err)
	}
	s := runtime.Settled{Queue: x.route.queue.Name, MessageID: x.id, Decision: d, Err: err}
	h.tell("OnSettled", o.OnSettled, s)
	if d.Err != nil {
		h.tell("OnError", o.OnError, s)
	}
	if err == nil && d.Action == runtime.Settle && d.Settlement.Verdict == driver.Bury {
		h.tell("OnDead", o.OnDead, s)
	}
}

// tell calls a hook of the program.
func (h *Handler) tell(name string, hook func(runtime.Settled), s runtime.Settled) {
	if hook == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.options.Logger.Error("a hook panicked", "hook", name, "message", s.MessageID, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	hook(s)
}
