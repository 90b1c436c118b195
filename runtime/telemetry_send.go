package runtime

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// sending is the span of tasks that one call of Enqueue or EnqueueMany hands to one
// queue, and the trace context that they travel with. Its zero value is that of no
// telemetry. It is used by one goroutine.
type sending struct {
	queue *queueSignals // nil for no telemetry
	span  trace.Span    // nil for none
	carrier
	traced      bool // the traceparent is this one, not that of carrier
	traceParent [traceParentLength]byte
	tasks       int // that were handed to the queue
	err         error
	kind        string // of the first task, as below
	id          TaskID
	messageID   string // the broker's, of a single one
}

// begin starts the span. The context is for the send.
func (s *sending) begin(ctx context.Context, t *Telemetry, q *QueueInfo) (within context.Context) {
	within = ctx
	s.queue = t.queue(q)
	defer t.rescue()
	if t.tracer != nil {
		within, s.span = t.tracer.Start(ctx, s.queue.send.span, s.queue.send.start...) //nolint:spancheck // sending.end ends it
	}
	s.inject(within, t.options.Propagator)
	return within
}

// within is ctx with the span.
func (s *sending) within(ctx context.Context) context.Context {
	if s.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, s.span)
}

// note keeps the first failure.
func (s *sending) note(err error) {
	if s.err == nil {
		s.err = err
	}
}

// tried counts a task that was to be handed to its queue.
func (s *sending) tried(kind string, err error) {
	if s.queue != nil {
		s.queue.kind(kind, false).sentOne(err)
	}
}

// refuse ends the span of a single task that was not handed to its queue.
func (s *sending) refuse(t *Outgoing, err error) {
	s.tasks, s.kind, s.id = 1, t.Kind, t.ID
	s.note(err)
	s.tried(s.kind, err)
	s.end()
}

// end ends the span.
func (s *sending) end() {
	if s.span == nil {
		return
	}
	defer s.queue.telemetry.rescue()
	defer s.span.End()
	if !s.span.IsRecording() {
		return
	}
	s.span.SetAttributes(s.queue.send.attributes...)
	switch {
	case s.tasks == 1:
		s.span.SetAttributes(keyTaskKind.String(s.kind), keyTaskID.String(string(s.id)))
		if s.messageID != "" {
			s.span.SetAttributes(keyMessageID.String(s.messageID))
		}
	case s.tasks > 1:
		s.span.SetAttributes(keyMessageCount.Int(s.tasks))
	}
	if s.err != nil {
		s.span.SetStatus(codes.Error, errorText(s.err))
		s.span.SetAttributes(keyErrorType.String(errorType(s.err)))
	}
}

// sendings are the spans of one call of EnqueueMany: one a queue, and again where its
// tasks come after those of another.
type sendings struct {
	client *Client
	kind   string // of the last task
	all    []*sending
}

// of is the one that the next task belongs to. Without telemetry there is one in all.
func (s *sendings) of(args Args, o *enqueueOptions) *sending {
	t := s.client.options.Telemetry
	if t != nil {
		kind := args.Kind()
		if n := len(s.all); n > 0 && s.kind == kind { // the options are the same for all
			return s.all[n-1]
		}
		s.kind = kind
		q, err := s.client.queueFor(kind, o)
		if n := len(s.all); err == nil && n > 0 && s.all[n-1].queue == t.queue(q) {
			return s.all[n-1]
		}
	} else if len(s.all) > 0 {
		return s.all[0]
	}
	s.all = append(s.all, new(sending))
	return s.all[len(s.all)-1]
}

func (s *sendings) end() {
	for _, one := range s.all {
		one.end()
	}
}
