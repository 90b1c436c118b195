package runtime

import (
	"cmp"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of all spans and metrics.
const scope = "github.com/longshore-dev/longshore/runtime"

// defaultDepthEvery is TelemetryOptions.DepthEvery when nobody says.
const defaultDepthEvery = 30 * time.Second

// Telemetry makes spans and metrics of Clients, Workers and hosts beside the Worker,
// with the OpenTelemetry API; see the package's section on telemetry for what they
// are. Nil is off and costs nothing. One is enough for a program: it is safe for
// concurrent use, needs no closing, and lives as long as its providers.
type Telemetry struct {
	options TelemetryOptions
}

// TelemetryOptions configure a Telemetry. The zero value of each field is its
// default; without any provider nothing is made.
type TelemetryOptions struct {
	// TracerProvider takes the spans; nil for none.
	TracerProvider trace.TracerProvider
	// MeterProvider takes the metrics; nil for none.
	MeterProvider metric.MeterProvider
	// Propagator writes and reads the traceparent and tracestate of a task; nil
	// stands for W3C trace context. What else it writes does not travel.
	Propagator propagation.TextMapPropagator
	// DepthEvery is how often a Worker asks its queues how many messages they have:
	// 0 stands for 30 s, negative for never. Each time costs what the broker takes
	// for it, which with Amazon SQS is two requests.
	DepthEvery time.Duration
	// Logger gets the telemetry's own troubles; nil stands for slog.Default.
	Logger *slog.Logger
}

// NewTelemetry makes a Telemetry. The error is that of a meter provider which
// refuses an instrument.
func NewTelemetry(o TelemetryOptions) (*Telemetry, error) {
	o.DepthEvery = cmp.Or(o.DepthEvery, defaultDepthEvery)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Telemetry{options: o}, nil
}
