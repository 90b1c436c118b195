package runtime

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// settling is the span of one call that settles a batch. Its zero value is that of
// none.
type settling struct {
	queue *queueSignals
	span  trace.Span // nil for none
}

// part is what the span of a settle says of a message in its batch.
type part struct {
	span     *trace.SpanContext // of its run; nil when that is not recorded
	id       string             // the broker's
	verdict  driver.Verdict
	decision *Decision
}

// Settling begins the span of one call in which a host beside the Worker settles
// deliveries of a queue, and ends it with their errors, in the same order. Of each
// delivery its Queue, MessageID and Decision are looked at, and the Decision must be
// that of Dispatch. The call is made with within. Without a Telemetry, and when no run
// of theirs is sampled, there is no span. end must be called, once.
func Settling(ctx context.Context, batch []Settled) (within context.Context, end func(errs []error)) {
	s := new(settling)
	first := slices.IndexFunc(batch, func(one Settled) bool { return one.Decision.recorded() != nil })
	if first < 0 {
		return ctx, s.end
	}
	parts := make([]part, len(batch))
	for i := range batch {
		d := &batch[i].Decision
		parts[i] = part{d.recorded(), batch[i].MessageID, d.Settlement.Verdict, d}
	}
	return s.start(ctx, batch[first].Decision.signals.queue, parts), s.end
}

// recorded is the span of the run that was decided on; nil when that is not recorded.
func (d *Decision) recorded() *trace.SpanContext {
	if d.signals == nil || d.Task == nil {
		return nil
	}
	return d.Task.span
}

// begin starts the span when the run of one in the batch is recorded.
func (s *settling) begin(ctx context.Context, q *queueSignals, batch []*held) (within context.Context) {
	if q == nil || q.telemetry.tracer == nil || !slices.ContainsFunc(batch, func(h *held) bool { return h.span != nil }) {
		return ctx
	}
	parts := make([]part, len(batch))
	for i, h := range batch {
		parts[i] = part{h.span, h.id, h.settlement().Verdict, &h.decision}
	}
	return s.start(ctx, q, parts)
}

// start starts the span as a child of the first process span in the batch that is
// recorded, and links all of them, of which there is at least one.
func (s *settling) start(ctx context.Context, q *queueSignals, batch []part) (within context.Context) {
	var links []trace.Link
	verdict := batch[0].verdict // 0 for several
	for i := range batch {
		if sc := batch[i].span; sc != nil && len(links) < maxLinks {
			links = append(links, trace.Link{SpanContext: *sc})
		}
		if batch[i].verdict != verdict {
			verdict = 0
		}
	}
	defer q.telemetry.rescue()
	within = trace.ContextWithSpanContext(ctx, links[0].SpanContext)
	options := slices.Concat(q.settle.start, []trace.SpanStartOption{trace.WithLinks(links...)})
	within, s.span = q.telemetry.tracer.Start(within, q.settle.span, options...) //nolint:spancheck // settling.end ends it
	s.queue = q
	if !s.span.IsRecording() {
		return within
	}
	s.span.SetAttributes(q.settle.attributes...)
	if verdict != 0 {
		s.span.SetAttributes(keyVerdict.String(verdict.String()))
	}
	if len(batch) > 1 {
		s.span.SetAttributes(keyMessageCount.Int(len(batch)))
		return within
	}
	one := &batch[0]
	s.span.SetAttributes(keyMessageID.String(one.id), keyOutcome.String(one.decision.outcome.name()))
	if t := one.decision.Task; t != nil {
		s.span.SetAttributes(keyTaskKind.String(t.Kind), keyTaskID.String(string(t.ID)), keyTaskAttempt.Int(t.Attempt))
	}
	return within
}

// end ends the span. Of several failures the first is told.
func (s *settling) end(errs []error) {
	if s.span == nil {
		return
	}
	defer s.queue.telemetry.rescue()
	defer s.span.End()
	for _, err := range errs {
		if err != nil {
			s.span.SetStatus(codes.Error, errorText(err))
			s.span.SetAttributes(keyErrorType.String(codeName(driver.CodeOf(err))))
			return
		}
	}
}
