package load

import (
	"context"
	"errors"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/longshore-dev/longshore/runtime"
)

// SampledShare is the part of traces that NewTelemetry samples.
const SampledShare = 0.01

// NewTelemetry is a telemetry as in production, but for its collector: spans of a
// hundredth of the traces are exported in batches, to nobody, and metrics wait to be
// collected. Shut it down at the end.
func NewTelemetry() (t *runtime.Telemetry, shutdown func(context.Context) error, err error) {
	tracing := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(SampledShare))), sdktrace.WithBatcher(discard{}))
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	t, err = runtime.NewTelemetry(runtime.TelemetryOptions{TracerProvider: tracing, MeterProvider: metrics})
	return t, func(ctx context.Context) error { return errors.Join(tracing.Shutdown(ctx), metrics.Shutdown(ctx)) }, err
}

type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }
