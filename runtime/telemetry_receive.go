package runtime

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// maxLinks is the most links of a span: as many as the SDK keeps unless told
// otherwise.
const maxLinks = 128

// took counts the messages of a receive that began some time ago and, when it brought
// any, makes its span. That begins a trace of its own and links those of the tasks.
func (s *queueSignals) took(began time.Time, leases []driver.Lease) {
	if s == nil || len(leases) == 0 {
		return
	}
	s.received.Add(int64(len(leases)))
	t := s.telemetry
	if t.tracer == nil {
		return
	}
	defer t.rescue()
	_, span := t.tracer.Start(context.Background(), s.receive.span, slices.Concat(s.receive.start, []trace.SpanStartOption{trace.WithTimestamp(began)})...)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(s.receive.attributes...)
	span.SetAttributes(keyMessageCount.Int(len(leases)))
	for _, lease := range leases[:min(len(leases), maxLinks)] {
		m := lease.Message()
		event, found, err := readEvent(&m)
		if found && err == nil {
			if sc := t.extract(carrier{event.TraceParent, event.TraceState}); sc.IsValid() {
				span.AddLink(trace.Link{SpanContext: sc})
			}
		}
		putEvent(event)
	}
}
