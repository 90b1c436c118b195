package runtime

import (
	"log/slog"
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
	Settled{Queue: l.queue.Name, MessageID: h.id, Decision: h.decision, Err: err}.tellAll(l.logger, o.OnSettled, o.OnError, o.OnDead)
}

// Tell calls the hooks of an application, each of which may be nil, as a Worker does: see
// [WorkerOptions].OnSettled, OnError and OnDead. A hook that panics is logged. It also
// counts the outcome, where the Mux has a Telemetry. It is for hosts beside the Worker,
// which call it once a delivery.
func (s Settled) Tell(log *slog.Logger, onSettled, onError, onDead func(Settled)) {
	if k := s.Decision.signals; k != nil && s.Err != nil && s.Decision.Action != Nothing && !lostLease(s.Err) {
		k.queue.unsettled(s.Decision.Settlement.Verdict)
	}
	s.tellAll(log, onSettled, onError, onDead)
}

func (s Settled) tellAll(log *slog.Logger, onSettled, onError, onDead func(Settled)) {
	s.Decision.tally(s.Err)
	s.tell(log, "OnSettled", onSettled)
	if s.Decision.Err != nil {
		s.tell(log, "OnError", onError)
	}
	if s.Err == nil && s.Decision.Action == Settle && s.Decision.Settlement.Verdict == driver.Bury {
		s.tell(log, "OnDead", onDead)
	}
}

func (s Settled) tell(log *slog.Logger, name string, hook func(Settled)) {
	if hook == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			log.Error("a hook panicked", "hook", name, "message", s.MessageID, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	hook(s)
}
