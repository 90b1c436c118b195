package runtime

import (
	"runtime/debug"

	"github.com/longshore-dev/longshore/driver"
)

// report says how a delivery ended.
func (l *lane) report(h *held, err error) {
	s := &h.decision.Settlement
	if err != nil && s.Lease != nil {
		text := "a message was not settled and may come back"
		if h.copied {
			text = "a copy was sent for a message that may come back; it is acknowledged if it comes here"
		}
		l.logger.Warn(text, "message", h.id, "verdict", s.Verdict.String(), "error", err)
	}
	o := &l.worker.options
	settled := Settled{Queue: l.queue.Name, MessageID: h.id, Decision: h.decision, Err: err}
	l.tell("OnSettled", o.OnSettled, settled)
	if h.decision.Err != nil {
		l.tell("OnError", o.OnError, settled)
	}
	if err == nil && h.decision.Action == Settle && s.Verdict == driver.Bury {
		l.tell("OnDead", o.OnDead, settled)
	}
}

// tell calls a hook of the application.
func (l *lane) tell(name string, hook func(Settled), s Settled) {
	if hook == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			l.logger.Error("a hook panicked", "hook", name, "message", s.MessageID, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	hook(s)
}
