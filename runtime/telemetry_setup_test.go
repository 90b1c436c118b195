package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// watched is a bench whose spans and metrics are recorded.
type watched struct {
	*bench
	spans     *tracetest.SpanRecorder
	reader    *sdkmetric.ManualReader
	tracing   *sdktrace.TracerProvider
	telemetry *runtime.Telemetry
}

func newWatched(t *testing.T, o *mem.Options, retry runtime.RetryPolicy, wrap func(driver.Queue) driver.Queue) *watched {
	t.Helper()
	w := &watched{bench: newBench(t, o, retry, wrap), spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	w.tracing = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans))
	w.with(runtime.TelemetryOptions{
		TracerProvider: w.tracing, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader)),
	})
	return w
}

// with gives client and mux a telemetry.
func (w *watched) with(o runtime.TelemetryOptions) {
	w.Helper()
	o.Logger = slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	if w.telemetry, err = runtime.NewTelemetry(o); err != nil {
		w.Fatal(err)
	}
	w.mux = runtime.NewMux(&runtime.MuxOptions{Telemetry: w.telemetry, Logger: o.Logger})
	if w.client, err = runtime.NewClient(w.queues, &runtime.ClientOptions{Telemetry: w.telemetry}); err != nil {
		w.Fatal(err)
	}
}

// named are the ended spans of a name, in the order of their ends.
func (w *watched) named(name string) (all []sdktrace.ReadOnlySpan) {
	for _, s := range w.spans.Ended() {
		if s.Name() == name {
			all = append(all, s)
		}
	}
	return all
}

// one is the only span of a name.
func (w *watched) one(name string) sdktrace.ReadOnlySpan {
	w.Helper()
	all := w.named(name)
	if len(all) != 1 {
		w.Fatalf("%d spans are called %q, want one; there are %v", len(all), name, w.names())
	}
	return all[0]
}

func (w *watched) names() (all []string) {
	for _, s := range w.spans.Ended() {
		all = append(all, s.Name())
	}
	return all
}

// attributes are the attributes of a span as text.
func attributesOf(s sdktrace.ReadOnlySpan) map[string]string {
	return texts(attribute.NewSet(s.Attributes()...))
}

func texts(set attribute.Set) map[string]string {
	all := make(map[string]string)
	for _, kv := range set.ToSlice() {
		all[string(kv.Key)] = kv.Value.String()
	}
	return all
}

// want checks attributes; an empty value means none.
func (w *watched) want(s sdktrace.ReadOnlySpan, want map[string]string) {
	w.Helper()
	got := attributesOf(s)
	for k, v := range want {
		if got[k] != v {
			w.Errorf("span %q has %s = %q, want %q; all are %v", s.Name(), k, got[k], v, got)
		}
	}
}

func linked(s, to sdktrace.ReadOnlySpan) bool {
	for _, l := range s.Links() {
		if l.SpanContext.SpanID() == to.SpanContext().SpanID() && l.SpanContext.TraceID() == to.SpanContext().TraceID() {
			return true
		}
	}
	return false
}

// measured are the values of all metrics, by name and attributes without those that
// are the same for all. Of a histogram it is the count, and with "sum " before it the
// sum.
func (w *watched) measured() map[string]float64 {
	w.Helper()
	var data metricdata.ResourceMetrics
	if err := w.reader.Collect(context.WithoutCancel(w.Context()), &data); err != nil {
		w.Fatal(err)
	}
	all := make(map[string]float64)
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			name := func(set attribute.Set) string {
				own := texts(set)
				if own["messaging.system"] != "longshore_mem" && m.Name != "longshore.task.wait" || own["messaging.destination.name"] != "jobs" {
					w.Errorf("%s has attributes %v", m.Name, own)
				}
				delete(own, "messaging.system")
				delete(own, "messaging.destination.name")
				delete(own, "messaging.operation.name")
				if len(own) == 0 {
					return m.Name
				}
				return fmt.Sprint(m.Name, " ", own)
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] += float64(p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = float64(p.Count)
					all["sum "+name(p.Attributes)] = p.Sum
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = float64(p.Count)
					all["sum "+name(p.Attributes)] = float64(p.Sum)
				}
			default:
				w.Errorf("%s is of type %T", m.Name, m.Data)
			}
		}
	}
	return all
}

// measures checks some of the metrics; 0 stands for one that is absent too.
func (w *watched) measures(want map[string]float64) {
	w.Helper()
	got := w.measured()
	for name, v := range want {
		if got[name] != v {
			w.Errorf("%s = %v, want %v; all are %v", name, got[name], v, got)
		}
	}
}
