package main

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
)

// complainEvery is how often a collector that does not take what it is sent is told.
const complainEvery = 10 * time.Minute

// outlet is where traces or metrics leave. Its errors are told and go no further. It
// is safe for concurrent use.
type outlet struct {
	what   string
	screen *screen
	end    <-chan struct{} // closed to end what is under way

	mu   sync.Mutex
	told time.Time // guarded by mu; when an error was told last
}

// pass sends something, until end. It waits for as long as send does.
func (o *outlet) pass(ctx context.Context, send func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-o.end:
			cancel()
		case <-ctx.Done():
		}
	})
	err := send(ctx)
	ended := ctx.Err() != nil
	cancel()
	watching.Wait()
	if err != nil {
		o.complain(err, ended)
	}
}

// complain tells an error, unless one was told a while ago.
func (o *outlet) complain(err error, ended bool) {
	o.mu.Lock()
	recent := !o.told.IsZero() && time.Since(o.told) < complainEvery
	if !recent {
		o.told = time.Now()
	}
	o.mu.Unlock()
	switch {
	case recent:
	case ended:
		o.screen.printf("the last %s are not exported: the collector did not take them in time", o.what)
	default:
		o.screen.printf("%s are not exported, and work goes on: %s", o.what, brief(err.Error()))
	}
}

// spanOutlet tells of spans.
type spanOutlet struct {
	trace.SpanExporter
	*outlet
}

func (o spanOutlet) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	o.pass(ctx, func(ctx context.Context) error { return o.SpanExporter.ExportSpans(ctx, spans) })
	return nil
}

// metricOutlet tells of metrics.
type metricOutlet struct {
	metric.Exporter
	*outlet
}

func (o metricOutlet) Export(ctx context.Context, metrics *metricdata.ResourceMetrics) error {
	o.pass(ctx, func(ctx context.Context) error { return o.Exporter.Export(ctx, metrics) })
	return nil
}

// spanExporter makes the exporter of traces. The rest of the environment is its own
// to read. It connects when there is something to send.
func (e *environment) spanExporter(ctx context.Context, screen *screen, end <-chan struct{}) (trace.SpanExporter, error) {
	var exporter trace.SpanExporter
	var err error
	switch {
	case e.traces == console:
		exporter, err = stdouttrace.New(stdouttrace.WithWriter(screen))
	case e.tracesProtocol == grpcProtocol:
		exporter, err = otlptracegrpc.New(ctx)
	default:
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		return nil, usagef("look at the OTEL_ variables of the environment", "the exporter of traces: %w", err)
	}
	return spanOutlet{exporter, &outlet{what: "traces", screen: screen, end: end}}, nil
}

// metricReader makes what exports metrics now and then, each minute unless the
// environment says otherwise.
func (e *environment) metricReader(ctx context.Context, screen *screen, end <-chan struct{}) (metric.Reader, error) {
	var exporter metric.Exporter
	var err error
	switch {
	case e.metrics == console:
		exporter, err = stdoutmetric.New(stdoutmetric.WithWriter(screen))
	case e.metricsProtocol == grpcProtocol:
		exporter, err = otlpmetricgrpc.New(ctx)
	default:
		exporter, err = otlpmetrichttp.New(ctx)
	}
	if err != nil {
		return nil, usagef("look at the OTEL_ variables of the environment", "the exporter of metrics: %w", err)
	}
	return metric.NewPeriodicReader(metricOutlet{exporter, &outlet{what: "metrics", screen: screen, end: end}}), nil
}

var (
	_ trace.SpanExporter = spanOutlet{}
	_ metric.Exporter    = metricOutlet{}
)
