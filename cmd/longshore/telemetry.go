package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/longshore-dev/longshore/runtime"
)

// flushTime is how long the end of a command waits for a collector that is to take
// the last spans and metrics.
const flushTime = 5 * time.Second

const telemetryHelp = `
With OTEL_EXPORTER_OTLP_ENDPOINT in the environment, traces and metrics go to that
OpenTelemetry collector; the other variables of OpenTelemetry, such as
OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME,
OTEL_RESOURCE_ATTRIBUTES and OTEL_SDK_DISABLED, count too. Without any, nothing is
sent. A collector that is slow or down holds up nothing but the end, by at most 5 s.`

// traceHelp is for the commands that have tasks done elsewhere.
const traceHelp = `
A command that is run joins the trace of its task by TRACEPARENT and TRACESTATE in its
environment, a server by the headers traceparent and tracestate.`

// metricsHelp is for the commands that have --metrics.
const metricsHelp = `
With --metrics ADDR, such as :9464, Prometheus can scrape http://ADDR/metrics while
the command runs; http://ADDR/livez and /readyz answer 200 while the worker is live
and ready, else 503. Nobody is asked for a password: everyone who reaches ADDR sees
the names of queues and of kinds, and how many tasks there are, but no payload.
` + telemetryHelp + traceHelp

// addMetrics adds --metrics to a command.
func addMetrics(c *cobra.Command, address *string) {
	c.Flags().StringVar(address, "metrics", "", "`address` on which Prometheus finds the metrics, for example :9464 or 127.0.0.1:0")
}

// telemetry is what a command tells of itself: to whoever scrapes it, and to a
// collector. A new one tells nobody.
type telemetry struct {
	runtime *runtime.Telemetry // nil when nobody is told
	scrape  *scrapeServer      // nil without --metrics
	tracer  *trace.TracerProvider
	meter   *metric.MeterProvider

	end    chan struct{} // closed by close, to end exports that are under way
	closed sync.Once
}

func newTelemetry() *telemetry { return &telemetry{end: make(chan struct{})} }

// prometheusVariables are where the environment has the address of --metrics.
const prometheusVariables = "OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT:"

// openTelemetry begins to tell what the environment and --metrics, which may be
// empty, ask for. A command that lasts can be scraped: it listens, but serves nothing
// yet. The error is that of a user.
func openTelemetry(ctx context.Context, lasts bool, address string, screen *screen, logger *slog.Logger) (*telemetry, error) {
	t := newTelemetry()
	var readers []metric.Option
	err := func() error {
		env, err := readEnvironment(os.Getenv)
		if err != nil {
			return err
		}
		from := "--metrics"
		if address == "" && env.scrape && lasts {
			from, address = prometheusVariables, env.scrapeAddress
		}
		if address != "" {
			if t.scrape, err = listenScrape(ctx, from, address); err != nil {
				return err
			}
			readers = append(readers, metric.WithReader(t.scrape.reader))
		}
		if env.metrics != "" {
			reader, err := env.metricReader(ctx, screen, t.end)
			if err != nil {
				return err
			}
			readers = append(readers, metric.WithReader(reader))
		}
		about := describeProcess(ctx)
		if len(readers) > 0 {
			t.meter = metric.NewMeterProvider(append(readers, metric.WithResource(about))...)
		}
		if env.traces != "" {
			exporter, err := env.spanExporter(ctx, screen, t.end)
			if err != nil {
				return err
			}
			t.tracer = trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
		}
		return t.observe(logger)
	}()
	if err != nil {
		t.close(nil)
		return nil, err
	}
	return t, nil
}

// observe makes what the runtime tells.
func (t *telemetry) observe(logger *slog.Logger) (err error) {
	if t.meter == nil && t.tracer == nil {
		return nil
	}
	// A nil pointer in an interface would be no nil.
	o := runtime.TelemetryOptions{Logger: logger}
	if t.tracer != nil {
		o.TracerProvider = t.tracer
	}
	if t.meter != nil {
		o.MeterProvider = t.meter
	}
	t.runtime, err = runtime.NewTelemetry(o)
	return err
}

// describeProcess says who tells: a service named longshore, unless the environment
// says otherwise. The command line is left out, as it may have secrets.
func describeProcess(ctx context.Context) *resource.Resource {
	about := []attribute.KeyValue{attribute.String("service.name", "longshore")}
	if info, ok := debug.ReadBuildInfo(); ok {
		about = append(about, attribute.String("service.version", newVersion(info).Version))
	}
	// What cannot be found out is left out, and a name without its value is said by
	// the SDK's own log.
	r, _ := resource.New(ctx, resource.WithService(), resource.WithAttributes(about...), resource.WithTelemetrySDK(),
		resource.WithHost(), resource.WithFromEnv())
	return r
}

// serve begins to answer scrapes, and probes of the worker.
func (t *telemetry) serve(w *runtime.Worker, screen *screen) {
	if t.scrape != nil {
		t.scrape.serve(w.HealthHandler())
		screen.printf("metrics are on %s", t.scrape.url())
	}
}

// close sends what is left within flushTime, or until again, which may be nil. The
// second call does nothing.
func (t *telemetry) close(again <-chan struct{}) {
	t.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		flushed := make(chan struct{}) // closed below, when all have ended
		var watching sync.WaitGroup
		watching.Go(func() {
			select {
			case <-again:
				cancel()
			case <-ctx.Done():
			case <-flushed:
			}
			close(t.end)
		})
		// What is not sent was told by the exporter.
		var flushing sync.WaitGroup
		if t.tracer != nil {
			flushing.Go(func() { _ = t.tracer.Shutdown(ctx) })
		}
		if t.scrape != nil {
			t.scrape.close(ctx)
		}
		if t.meter != nil {
			flushing.Go(func() { _ = t.meter.Shutdown(ctx) })
		}
		flushing.Wait()
		close(flushed)
		watching.Wait()
	})
}
