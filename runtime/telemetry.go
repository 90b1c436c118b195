package runtime

import (
	"cmp"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// scope is the instrumentation scope of all spans and metrics.
const scope = "github.com/longshore-dev/longshore/runtime"

// defaultDepthEvery is TelemetryOptions.DepthEvery when nobody says.
const defaultDepthEvery = 30 * time.Second

// leastDepthEvery is the least of it, as each time costs requests.
const leastDepthEvery = time.Second

// Telemetry makes spans and metrics of Clients, Workers and hosts beside the Worker,
// with the OpenTelemetry API; see the package's section on telemetry for what they
// are. Nil is off and costs nothing. One is enough for a program: it is safe for
// concurrent use, needs no closing, and lives as long as its providers.
//
// What of the application's it calls, a provider or a propagator, may panic: that is
// logged, once, and the task goes on without.
type Telemetry struct {
	options TelemetryOptions
	tracer  trace.Tracer // nil for no spans
	meters  *meters      // nil for no metrics
	panics  sync.Once    // for the log

	queues growing[queueKey, *queueSignals]
}

// TelemetryOptions configure a Telemetry. The zero value of each field is its
// default; without any provider a task's trace travels and nothing else is done.
type TelemetryOptions struct {
	// TracerProvider takes the spans; nil for none.
	TracerProvider trace.TracerProvider
	// MeterProvider takes the metrics; nil for none.
	MeterProvider metric.MeterProvider
	// Propagator writes and reads the traceparent and tracestate of a task; nil
	// stands for W3C trace context. What else it writes does not travel.
	Propagator propagation.TextMapPropagator
	// DepthEvery is how often a Worker asks its queues how many messages they have:
	// 0 stands for 30 s, negative for never, less than 1 s for 1 s. Each time costs
	// what the broker takes for it, which with Amazon SQS is two requests.
	DepthEvery time.Duration
	// Logger gets the telemetry's own troubles; nil stands for slog.Default.
	Logger *slog.Logger
}

// NewTelemetry makes a Telemetry. The error is that of a MeterProvider which refuses
// an instrument.
func NewTelemetry(o TelemetryOptions) (*Telemetry, error) {
	if o.DepthEvery = cmp.Or(o.DepthEvery, defaultDepthEvery); o.DepthEvery > 0 {
		o.DepthEvery = max(o.DepthEvery, leastDepthEvery)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	t := &Telemetry{options: o}
	if o.TracerProvider != nil {
		t.tracer = o.TracerProvider.Tracer(scope)
	}
	if o.MeterProvider != nil {
		var err error
		if t.meters, err = newMeters(o.MeterProvider.Meter(scope), t); err != nil {
			return nil, fmt.Errorf("runtime: new telemetry: %w", err)
		}
	}
	return t, nil
}

// queueKey tells queues apart: two programs' parts may open one queue twice.
type queueKey struct {
	name   string
	system driver.System
}

// queue is what is known of a queue; nil when t is.
func (t *Telemetry) queue(q *QueueInfo) *queueSignals {
	if t == nil {
		return nil
	}
	return t.queues.of(queueKey{q.Name, q.system}, 0, queueKey{}, func(key queueKey) *queueSignals { return newQueueSignals(t, key) })
}

// rescue keeps a panic of what the application brought from the task that it came
// with. It must be deferred.
func (t *Telemetry) rescue() {
	if v := recover(); v != nil {
		t.panics.Do(func() {
			t.options.Logger.Error("telemetry panicked; tasks go on without it", "panic", v, "stack", string(debug.Stack()))
		})
	}
}
