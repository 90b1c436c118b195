package pushentry_test

import (
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A bury is part of the trace of a task, with how it failed. What an answer settles is
// no call of ours.
func TestSettlesAreInTheTrace(t *testing.T) {
	tests := []struct {
		name    string
		handle  error
		fault   faultqueue.Fault
		status  int
		settles int
		failed  bool
	}{
		{"buried", runtime.Permanent(errBoom), nil, 204, 1, false},
		{"not buried", runtime.Permanent(errBoom), faultqueue.FailBefore(driver.Errorf(driver.PermissionDenied, "settle", "no")), 503, 1, true},
		{"done", nil, nil, 204, 0, false},
		{"comes again", errBoom, nil, 503, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			telemetry, err := runtime.NewTelemetry(runtime.TelemetryOptions{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))})
			if err != nil {
				t.Fatal(err)
			}
			s := setup{handle: returning(tt.handle), mux: runtime.MuxOptions{Telemetry: telemetry}}
			if tt.fault != nil {
				s.queue = func(q driver.Queue) driver.Queue {
					return faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Settle, Fault: tt.fault})
				}
			}
			on(t, s, func(e *env) {
				e.status("the push", e.push("1", 1), tt.status)
				var run sdktrace.ReadOnlySpan
				var settles []sdktrace.ReadOnlySpan
				for _, span := range spans.Ended() {
					switch span.Name() {
					case "process orders":
						run = span
					case "settle orders":
						settles = append(settles, span)
					}
				}
				if run == nil || len(settles) != tt.settles {
					t.Fatalf("run %v, %d settles; want %d", run, len(settles), tt.settles)
				}
				for _, one := range settles {
					text := fmt.Sprint(one.Attributes())
					if one.Parent().SpanID() != run.SpanContext().SpanID() || !strings.Contains(text, "bury") || !strings.Contains(text, "longshore.task.id") {
						t.Errorf("parent %v, %s", one.Parent(), text)
					}
					if failed := one.Status().Code == codes.Error; failed != tt.failed {
						t.Errorf("status %v", one.Status())
					}
				}
			})
		})
	}
}
