package guide_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func runObserved(ctx context.Context, queues *runtime.Queues, spans trace.SpanExporter, reader metric.Reader, register func(*runtime.Mux)) error {
	traces := trace.NewTracerProvider(trace.WithBatcher(spans))
	metrics := metric.NewMeterProvider(metric.WithReader(reader))
	telemetry, err := runtime.NewTelemetry(runtime.TelemetryOptions{TracerProvider: traces, MeterProvider: metrics})
	if err != nil {
		return err
	}
	mux := runtime.NewMux(&runtime.MuxOptions{Telemetry: telemetry}) // and ClientOptions.Telemetry, the same one
	register(mux)
	worker, err := runtime.NewWorker(queues, mux, nil)
	if err != nil {
		return err
	}
	err = worker.Run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // a collector may be down
	defer cancel()
	return errors.Join(err, traces.Shutdown(last), metrics.Shutdown(last))
}

func TestObservabilityPage(t *testing.T) {
	kit := runtimetest.New(t, nil)
	enqueue(t, kit, SendMail{"ann@example.com"})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var traced, metered bytes.Buffer
	spans, err := stdouttrace.New(stdouttrace.WithWriter(&traced))
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := stdoutmetric.New(stdoutmetric.WithWriter(&metered))
	if err != nil {
		t.Fatal(err)
	}
	err = runObserved(ctx, kit.Queues(), spans, metric.NewPeriodicReader(numbers), func(mux *runtime.Mux) {
		runtime.Handle(mux, func(context.Context, *runtime.Task[SendMail]) error { stop(); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	// What the end of the drain told came out as well.
	if text := traced.String(); !strings.Contains(text, `"settle `) || strings.Contains(text, "ann@") {
		t.Errorf("traces:\n%s", text)
	}
	if text := metered.String(); !strings.Contains(text, "longshore.task.outcomes") || strings.Contains(text, "ann@") {
		t.Errorf("metrics:\n%s", text)
	}
}

// instrument is what the runtime makes of a meter.
type instrument struct{ name, kind, unit, description string }

// TestTheTablesHaveEveryMetric holds the page, and the package documentation, against
// the instruments that the runtime makes, and their names in a scrape against the
// exporter.
func TestTheTablesHaveEveryMetric(t *testing.T) {
	m := new(tellingMeter)
	if _, err := runtime.NewTelemetry(runtime.TelemetryOptions{MeterProvider: tellingProvider{meter: m}}); err != nil {
		t.Fatal(err)
	}
	var table, documented []string
	for _, i := range m.made {
		table = append(table, fmt.Sprintf("| `%s` | `%s` |", i.name, scrapedName(t, i)))
		documented = append(documented, i.name+" "+i.kind)
		if i.unit == "" || !strings.HasSuffix(i.description, ".") {
			t.Errorf("%s has unit %q and description %q", i.name, i.unit, i.description)
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `[a-z.]+` \\| `[a-z_]+` \\|").FindAllString(section(t, page(t, "observability.md"), "The metrics"), -1)
	same(t, "the metrics", rows, table)
	lines := regexp.MustCompile(`(?m)^//\t((?:messaging|longshore)[a-z.]+) +([a-z]+) `).FindAllStringSubmatch(page(t, "../../runtime/doc.go"), -1)
	var said []string
	for _, line := range lines {
		said = append(said, line[1]+" "+line[2])
	}
	same(t, "the package documentation", said, documented)
}

// scrapedName is the name by which Prometheus gets an instrument.
func scrapedName(t *testing.T, i instrument) string {
	t.Helper()
	registry := client.NewRegistry()
	reader, err := prometheus.New(prometheus.WithRegisterer(registry), prometheus.WithoutScopeInfo(), prometheus.WithoutTargetInfo())
	if err != nil {
		t.Fatal(err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(reader)).Meter("test")
	switch unit := api.WithUnit(i.unit); i.kind {
	case "counter":
		c, failed := meter.Int64Counter(i.name, unit)
		c.Add(t.Context(), 1)
		err = failed
	case "level":
		c, failed := meter.Int64UpDownCounter(i.name, unit)
		c.Add(t.Context(), 1)
		err = failed
	case "gauge":
		g, failed := meter.Float64Gauge(i.name, unit)
		g.Record(t.Context(), 1)
		err = failed
	case "histogram":
		h, failed := meter.Float64Histogram(i.name, unit)
		h.Record(t.Context(), 1)
		err = failed
	}
	if err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%s: %d names in a scrape (%v)", i.name, len(families), err)
	}
	return families[0].GetName()
}

// tellingProvider has one meter.
type tellingProvider struct {
	noop.MeterProvider
	meter *tellingMeter
}

func (p tellingProvider) Meter(string, ...api.MeterOption) api.Meter { return p.meter }

// tellingMeter says which instruments were made of it. An instrument of another type
// than these is an error.
type tellingMeter struct {
	noop.Meter
	made []instrument
}

func (m *tellingMeter) Int64ObservableCounter(name string, o ...api.Int64ObservableCounterOption) (api.Int64ObservableCounter, error) {
	c := api.NewInt64ObservableCounterConfig(o...)
	m.made = append(m.made, instrument{name, "counter", c.Unit(), c.Description()})
	return noop.Int64ObservableCounter{}, nil
}

func (m *tellingMeter) Int64ObservableUpDownCounter(name string, o ...api.Int64ObservableUpDownCounterOption) (api.Int64ObservableUpDownCounter, error) {
	c := api.NewInt64ObservableUpDownCounterConfig(o...)
	m.made = append(m.made, instrument{name, "level", c.Unit(), c.Description()})
	return noop.Int64ObservableUpDownCounter{}, nil
}

func (m *tellingMeter) Int64ObservableGauge(name string, o ...api.Int64ObservableGaugeOption) (api.Int64ObservableGauge, error) {
	c := api.NewInt64ObservableGaugeConfig(o...)
	m.made = append(m.made, instrument{name, "gauge", c.Unit(), c.Description()})
	return noop.Int64ObservableGauge{}, nil
}

func (m *tellingMeter) Float64ObservableGauge(name string, o ...api.Float64ObservableGaugeOption) (api.Float64ObservableGauge, error) {
	c := api.NewFloat64ObservableGaugeConfig(o...)
	m.made = append(m.made, instrument{name, "gauge", c.Unit(), c.Description()})
	return noop.Float64ObservableGauge{}, nil
}

func (m *tellingMeter) Int64Histogram(name string, o ...api.Int64HistogramOption) (api.Int64Histogram, error) {
	c := api.NewInt64HistogramConfig(o...)
	m.made = append(m.made, instrument{name, "histogram", c.Unit(), c.Description()})
	return noop.Int64Histogram{}, nil
}

func (m *tellingMeter) Float64Histogram(name string, o ...api.Float64HistogramOption) (api.Float64Histogram, error) {
	c := api.NewFloat64HistogramConfig(o...)
	m.made = append(m.made, instrument{name, "histogram", c.Unit(), c.Description()})
	return noop.Float64Histogram{}, nil
}

// What has no method above would be missed.
func (m *tellingMeter) Int64Counter(name string, _ ...api.Int64CounterOption) (api.Int64Counter, error) {
	return nil, errors.New("a counter that is not observed: " + name)
}

func (m *tellingMeter) Int64UpDownCounter(name string, _ ...api.Int64UpDownCounterOption) (api.Int64UpDownCounter, error) {
	return nil, errors.New("a level that is not observed: " + name)
}

func (m *tellingMeter) Int64Gauge(name string, _ ...api.Int64GaugeOption) (api.Int64Gauge, error) {
	return nil, errors.New("a gauge that is not observed: " + name)
}

func (m *tellingMeter) Float64Counter(name string, _ ...api.Float64CounterOption) (api.Float64Counter, error) {
	return nil, errors.New("a counter that is not observed: " + name)
}

func (m *tellingMeter) Float64UpDownCounter(name string, _ ...api.Float64UpDownCounterOption) (api.Float64UpDownCounter, error) {
	return nil, errors.New("a level that is not observed: " + name)
}

func (m *tellingMeter) Float64Gauge(name string, _ ...api.Float64GaugeOption) (api.Float64Gauge, error) {
	return nil, errors.New("a gauge that is not observed: " + name)
}

func (m *tellingMeter) Float64ObservableCounter(name string, _ ...api.Float64ObservableCounterOption) (api.Float64ObservableCounter, error) {
	return nil, errors.New("a counter of fractions: " + name)
}

func (m *tellingMeter) Float64ObservableUpDownCounter(name string, _ ...api.Float64ObservableUpDownCounterOption) (api.Float64ObservableUpDownCounter, error) {
	return nil, errors.New("a level of fractions: " + name)
}
