package lambdaentry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// traced gives a function spans, with what samples them.
func (f *function) traced(sampler sdktrace.Sampler) *tracetest.SpanRecorder {
	f.Helper()
	spans := tracetest.NewSpanRecorder()
	telemetry, err := runtime.NewTelemetry(runtime.TelemetryOptions{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sampler)),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.mux = runtime.NewMux(&runtime.MuxOptions{Telemetry: telemetry})
	runtime.Handle(f.mux, does)
	f.start()
	return spans
}

// named are the ended spans of a name.
func named(spans *tracetest.SpanRecorder, name string) (all []sdktrace.ReadOnlySpan) {
	for _, s := range spans.Ended() {
		if s.Name() == name {
			all = append(all, s)
		}
	}
	return all
}

// What the function settles itself is part of the trace of a task: the call, what it
// was to do, and how it failed. What the answer does is none of its calls.
func TestSettlesAreInTheTrace(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		spans := f.traced(sdktrace.AlwaysSample())
		f.enqueue("bury")
		f.enqueue("ok")
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: isVerdict(driver.Bury), Times: 1,
			Fault: faultqueue.FailBefore(driver.Errorf(driver.Unavailable, "settle", "down"))})
		if failed := f.invoke(f.event(2), 30*time.Second); len(failed) != 0 {
			t.Fatal(failed)
		}
		settles := named(spans, "settle orders")
		if len(settles) != 2 {
			t.Fatalf("%d settles have spans; want 2 tries of the one that is buried", len(settles))
		}
		for i, s := range settles {
			runs := named(spans, "process orders")
			of := slices.IndexFunc(runs, func(r sdktrace.ReadOnlySpan) bool { return r.SpanContext().SpanID() == s.Parent().SpanID() })
			if of < 0 || !strings.Contains(fmt.Sprint(runs[of].Attributes()), "permanent") || len(s.Links()) != 1 {
				t.Errorf("settle %d has parent %v, links %v", i, s.Parent(), s.Links())
			}
			text := fmt.Sprint(s.Attributes())
			for _, want := range []string{"bury", "dead", "longshore.task.id", "messaging.message.id"} {
				if !strings.Contains(text, want) {
					t.Errorf("settle %d has no %s: %s", i, want, text)
				}
			}
			if failed := s.Status().Code == codes.Error; failed != (i == 0) || strings.Contains(text, "unavailable") != (i == 0) {
				t.Errorf("settle %d has status %v: %s", i, s.Status(), text)
			}
		}
	})
}

// Several that are settled by one call are linked; what is not sampled makes no span.
func TestSettlesOfABatchAreLinked(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		spans := f.traced(sdktrace.AlwaysSample())
		for range 5 {
			f.enqueue("fail")
		}
		f.invoke(f.event(5), 30*time.Second)
		links := 0
		for _, s := range named(spans, "settle orders") {
			links += len(s.Links())
		}
		if links != 5 {
			t.Errorf("%d runs are linked; want 5", links)
		}
	})
	on(t, "orders", does, nil, func(f *function) {
		spans := f.traced(sdktrace.NeverSample())
		f.enqueue("bury")
		f.invoke(f.event(1), 30*time.Second)
		if n := len(spans.Started()); n != 0 {
			t.Errorf("%d spans", n)
		}
	})
}
