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

// begin starts the span as a child of the first process span in the batch that is
// recorded, and links the others; there is none when none is.
func (s *settling) begin(ctx context.Context, q *queueSignals, batch []*held) (within context.Context) {
	within = ctx
	if q == nil || q.telemetry.tracer == nil {
		return within
	}
	var links []trace.Link
	for _, h := range batch {
		if h.span != nil && len(links) < maxLinks {
			links = append(links, trace.Link{SpanContext: *h.span})
		}
	}
	if len(links) == 0 {
		return within
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
	verdict := batch[0].settlement().Verdict
	for _, h := range batch {
		if h.settlement().Verdict != verdict {
			verdict = 0
		}
	}
	if verdict != 0 {
		s.span.SetAttributes(keyVerdict.String(verdict.String()))
	}
	if len(batch) > 1 {
		s.span.SetAttributes(keyMessageCount.Int(len(batch)))
		return within
	}
	h := batch[0]
	s.span.SetAttributes(keyMessageID.String(h.id), keyOutcome.String(h.decision.outcome.name()))
	if t := h.decision.Task; t != nil {
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
