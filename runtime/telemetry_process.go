package runtime

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// processing is the run of a handler, for telemetry. Its zero value is that of none.
type processing struct {
	signals *kindSignals // nil for none
	span    trace.Span   // nil for none
	start   time.Time
}

// signalsOf is what is counted of the queue of a delivery; nil without telemetry.
func (m *Mux) signalsOf(d *Delivery) *queueSignals {
	if m.telemetry == nil {
		return nil
	}
	if d.held != nil {
		return d.held.lane.signals
	}
	s := m.telemetry.queue(d.Queue)
	if !s.worked.Load() {
		s.worked.Store(true)
	}
	s.received.Add(1)
	return s
}

// kindSignals is what is counted of the kind of a task whose handler is h.
func (m *Mux) kindSignals(s *queueSignals, h *handler, kind string) *kindSignals {
	if h == nil {
		return s.kind(unknownKind, true)
	}
	if k := s.kinds.entries()[kind]; k != nil {
		return k
	}
	return s.kind(kind, h != m.handlers[anyKind])
}

// process says that the handler of a starts. The context is the handler's: the
// span is a child of the one that the task was sent by or, where it has not said,
// of that of ctx.
func (p *processing) process(ctx context.Context, a *attempt, c carrier, now time.Time) (within context.Context) {
	s := a.signals
	within = ctx
	if s == nil {
		return within
	}
	p.signals, p.start = s, now
	s.queue.running.Add(1)
	t := s.queue.telemetry
	defer t.rescue()
	if t.meters != nil {
		if wait, ok := a.waited(now); ok {
			t.meters.wait.Record(context.Background(), wait.Seconds(), s.record...)
		}
	}
	sent := t.extract(c)
	if sent.IsValid() {
		within = trace.ContextWithRemoteSpanContext(ctx, sent)
	}
	if t.tracer == nil {
		return within
	}
	o := &s.queue.process
	within, p.span = t.tracer.Start(within, o.span, o.start...) //nolint:spancheck // processing.end ends it
	if p.span.IsRecording() {
		p.describe(ctx, a, sent)
	}
	return within
}

// describe says of a span that is recorded what it is about.
func (p *processing) describe(ctx context.Context, a *attempt, sent trace.SpanContext) {
	p.span.SetAttributes(p.signals.queue.process.attributes...)
	p.span.SetAttributes(
		keyTaskKind.String(a.info.Kind), keyTaskID.String(string(a.info.ID)), keyTaskAttempt.Int(a.info.Attempt),
		keyMessageID.String(a.messageID))
	if sent.IsValid() {
		p.span.AddLink(trace.Link{SpanContext: sent})
		if host := trace.SpanContextFromContext(ctx); host.IsValid() {
			p.span.AddLink(trace.Link{SpanContext: host})
		}
	}
	if sc := p.span.SpanContext(); a.held != nil {
		a.held.span = &sc
	} else {
		a.info.span = &sc
	}
}

// waited is how long after it was due the first attempt at a task starts; false for
// others, and where that is not known. Of one that was redriven, or snoozed in its
// place, nothing says since when it is due.
func (a *attempt) waited(now time.Time) (time.Duration, bool) {
	if a.info.Attempt != 1 || a.info.Redrives > 0 || a.info.EnqueuedAt.IsZero() || a.held != nil && a.held.snoozes > 0 {
		return 0, false
	}
	due := a.info.EnqueuedAt
	if a.carry.NotBefore.After(due) {
		due = a.carry.NotBefore
	}
	return max(0, now.Sub(due)), true // clocks differ
}

// end says that the handler has ended, and with which decision.
func (p *processing) end(d *Decision) {
	if p.signals == nil {
		return
	}
	p.signals.queue.running.Add(-1)
	t := p.signals.queue.telemetry
	defer t.rescue()
	failure := ""
	if d.Err != nil && d.outcome != outcomeInterrupted {
		failure = errorType(d.Err)
		if d.outcome == outcomeLost {
			failure = codeName(driver.LeaseLost)
		}
	}
	if m := t.meters; m != nil {
		options := p.signals.processed
		if failure != "" {
			options = p.signals.failed(failure)
		}
		ctx := context.Background()
		if p.span != nil && p.span.IsRecording() { // for an exemplar
			ctx = trace.ContextWithSpan(ctx, p.span)
		}
		m.duration.Record(ctx, time.Since(p.start).Seconds(), options...)
	}
	if p.span == nil {
		return
	}
	defer p.span.End()
	if !p.span.IsRecording() {
		return
	}
	p.span.SetAttributes(keyOutcome.String(d.outcome.name()))
	if d.outcome == outcomeDead {
		p.span.SetAttributes(keyReason.String(d.Settlement.Reason))
	}
	if failure != "" {
		p.fail(failure, d.Err)
	}
}

// fail says of a span that is recorded why the attempt failed.
func (p *processing) fail(failure string, err error) {
	text := errorText(err)
	p.span.SetStatus(codes.Error, text)
	p.span.SetAttributes(keyErrorType.String(failure))
	if panicked := panicOf(err); panicked != nil {
		p.span.AddEvent("exception", trace.WithAttributes(
			attribute.String("exception.type", "panic"),
			attribute.String("exception.message", text),
			attribute.String("exception.stacktrace", string(panicked.Stack)),
		))
	}
}
