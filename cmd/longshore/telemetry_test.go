package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes what programs export by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*spans.Span // guarded by mu
	metrics []string      // guarded by mu; names
	names   []string      // guarded by mu; of services
	raw     []byte        // guarded by mu; all bodies
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = c.take(r.URL.Path, body)
		}
		if err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(path string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, body...)
	switch path {
	case "/v1/traces":
		var request traces.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			return err
		}
		for _, r := range request.ResourceSpans {
			for _, a := range r.Resource.Attributes {
				if a.Key == "service.name" {
					c.names = append(c.names, a.Value.GetStringValue())
				}
			}
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
		return nil
	case "/v1/metrics":
		var request metrics.ExportMetricsServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			return err
		}
		for _, r := range request.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				for _, m := range s.Metrics {
					c.metrics = append(c.metrics, m.Name)
				}
			}
		}
		return nil
	}
	return fmt.Errorf("no such path")
}

// span is the one with that beginning of its name.
func (c *collector) span(t *testing.T, name string) *spans.Span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, s := range c.spans {
		if names = append(names, s.Name); strings.HasPrefix(s.Name, name) {
			return s
		}
	}
	t.Fatalf("no span %q but %q", name, names)
	return nil
}

// scrapeURL is where a running command says that its metrics are.
func scrapeURL(t *testing.T, stderr *watchedBuffer) string {
	t.Helper()
	stderr.await(t, "/metrics\n", 1)
	m := regexp.MustCompile(`metrics are on (http://\S+)/metrics\n`).FindStringSubmatch(stderr.String())
	if m == nil {
		t.Fatalf("no address in\n%s", stderr)
	}
	return m[1]
}

// ask makes a request and gives the status and the body.
func ask(t *testing.T, method, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(body)
}

// awaitAnswer asks until the answer has a status and a text, or it is late.
func awaitAnswer(t *testing.T, url string, status int, text string) string {
	t.Helper()
	look, late := time.NewTicker(10*time.Millisecond), time.After(deadline)
	defer look.Stop()
	for {
		got, body := ask(t, http.MethodGet, url)
		if got == status && strings.Contains(body, text) {
			return body
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s answers %d, want %d and %q\n%s", url, got, status, text, body)
		}
	}
}

// The whole life: nothing before the worker, everything while it works and drains,
// nothing after.
func TestWorkIsScrapedUntilItHasDrained(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	const secret = "secret-of-ann"
	q.send(t, "k", secret, "slow "+secret)
	gate := t.TempDir() + "/gate"
	w := q.work(t, func(o *workOptions) {
		o.metrics, o.grace = "127.0.0.1:0", time.Minute
		o.exec = `read x; case $x in slow*) echo started; trap "" TERM; until [ -e ` + gate + ` ]; do sleep 0.02; done; esac`
	})
	url := scrapeURL(t, w.err)
	w.out.await(t, "started\n", 1)
	awaitAnswer(t, url+"/readyz", 200, `"state":"running"`)
	awaitAnswer(t, url+"/livez", 200, `"live":true`)
	body := awaitAnswer(t, url+"/metrics", 200, `longshore_task_outcomes_total{longshore_outcome="success",`)
	for _, want := range []string{"go_goroutines ", "process_resident_memory_bytes ", `target_info{`, `service_name="longshore"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, secret) {
		t.Errorf("the payload is in\n%s", body)
	}
	for path, want := range map[string]int{"/": 404, "/metrics/more": 404, "/debug/pprof/": 404} {
		if got, _ := ask(t, http.MethodGet, url+path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		if got, _ := ask(t, method, url+"/metrics"); got != want {
			t.Errorf("%s answers %d, want %d", method, got, want)
		}
	}

	code := make(chan int, 1) // one result, never closed
	go func() { code <- w.interrupt() }()
	awaitAnswer(t, url+"/readyz", 503, `"state":"draining"`)
	awaitAnswer(t, url+"/livez", 200, "")
	awaitAnswer(t, url+"/metrics", 200, "longshore_task_running")
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	if got := <-code; got != 0 {
		t.Errorf("exit code %d\n%s", got, w.err)
	}
	if status, err := ask(t, http.MethodGet, url+"/livez"); status != 0 {
		t.Errorf("it still answers %d %s", status, err)
	}
}

// A client that connects and says nothing, or asks and does not read, takes nothing
// from work, from other scrapes, or from the end.
func TestSlowScrapersHoldUpNothing(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	w := q.work(t, func(o *workOptions) { o.metrics, o.exec = "127.0.0.1:0", "cat" })
	url := scrapeURL(t, w.err)
	for range 2 * maxScrapes {
		for _, request := range []string{"", "GET /metrics HT", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"} {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
		}
	}

	q.send(t, "k", "done")
	w.out.await(t, "done", 1)
	awaitAnswer(t, url+"/metrics", 200, "go_goroutines")

	began := time.Now()
	if code := w.interrupt(); code != 0 || time.Since(began) > deadline/2 {
		t.Errorf("exit code %d after %v\n%s", code, time.Since(began), w.err)
	}
}

// What is wrong with --metrics or the environment is said before a task is leased.
func TestTelemetryRefusesBeforeATaskIsLeased(t *testing.T) {
	q := newMemQueue(t, "")
	q.send(t, "k", "x")
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for _, tt := range []struct {
		name, metrics, variable, value, want string
	}{
		{name: "no port", metrics: "localhost", want: `--metrics "localhost" is no HOST:PORT`},
		{name: "no number", metrics: ":http", want: `--metrics ":http": the port is not within 0 to 65535`},
		{name: "port", metrics: ":65536", want: `--metrics ":65536": the port is not within 0 to 65535`},
		{name: "taken", metrics: address, want: `--metrics "` + address + `": bind: address already in use`},
		{name: "host", metrics: "192.0.2.1:0", want: `--metrics "192.0.2.1:0": bind: `},
		{name: "exporter", variable: "OTEL_TRACES_EXPORTER", value: "zipkin", want: `OTEL_TRACES_EXPORTER: unknown exporter "zipkin"`},
		{name: "traces to Prometheus", variable: "OTEL_TRACES_EXPORTER", value: "prometheus", want: `OTEL_TRACES_EXPORTER: unknown exporter "prometheus"`},
		{name: "two exporters", variable: "OTEL_METRICS_EXPORTER", value: "otlp,console", want: "OTEL_METRICS_EXPORTER: otlp and console are both named"},
		{name: "endpoint", variable: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "localhost:4317", want: "OTEL_EXPORTER_OTLP_ENDPOINT: it is no URL that begins with http:// or https://"},
		{name: "secret endpoint", variable: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value: "user:hunter2@h%%", want: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: it is no URL"},
		{name: "variables", variable: "OTEL_EXPORTER_PROMETHEUS_PORT", value: "65536", want: prometheusVariables + ` "localhost:65536": the port is not within 0 to 65535`},
		{name: "secret header", variable: "OTEL_EXPORTER_OTLP_HEADERS", value: "a=b,,hunter2", want: "OTEL_EXPORTER_OTLP_HEADERS: header 3 is no NAME=VALUE"},
		{name: "secret value", variable: "OTEL_EXPORTER_OTLP_METRICS_HEADERS", value: "authorization=Bearer%zzhunter2", want: "OTEL_EXPORTER_OTLP_METRICS_HEADERS: the value of header 1 is not percent-encoded text"},
		{name: "name of a header", variable: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", value: "api key=hunter2", want: "OTEL_EXPORTER_OTLP_TRACES_HEADERS: header 1 is no NAME=VALUE"},
		{name: "line in a header", variable: "OTEL_EXPORTER_OTLP_HEADERS", value: "api-key=x%0ahunter2", want: "OTEL_EXPORTER_OTLP_HEADERS: the value of header 1 is not percent-encoded text"},
	} {
		for _, command := range []string{"work", "run"} {
			t.Run(command+" "+tt.name, func(t *testing.T) {
				args := []string{command, "--queue", q.url, "--exec", "true"}
				if tt.metrics != "" {
					args = append(args, "--metrics", tt.metrics)
				}
				if tt.variable != "" {
					switch {
					case strings.HasSuffix(tt.variable, "HEADERS"):
						t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
					case strings.HasSuffix(tt.variable, "PORT"):
						t.Setenv("OTEL_METRICS_EXPORTER", "prometheus")
					}
					t.Setenv(tt.variable, tt.value)
				}
				e := here(t, "", args...)
				if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: "+tt.want) || strings.Count(e.err, "\n") != 2 || strings.Contains(e.err, "hunter2") {
					t.Errorf("exit code %d, it says\n%swant 2 and %s", e.code, e.err, tt.want)
				}
			})
		}
	}
	t.Run("send", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "h")
		if e := here(t, "", "send", "--queue", q.url, "--kind", "k", "1"); e.code != 2 || !strings.Contains(e.err, "OTEL_EXPORTER_OTLP_ENDPOINT") {
			t.Errorf("exit code %d\n%s", e.code, e.err)
		}
	})
	t.Run("send beside a worker that is scraped", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(address)
		for name, value := range map[string]string{
			"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT": port,
		} {
			t.Setenv(name, value)
		}
		if e := here(t, "", "send", "--queue", newMemQueue(t, "").url, "--kind", "k", "1"); e.code != 0 {
			t.Errorf("exit code %d\n%s", e.code, e.err)
		}
	})
	if s, err := q.Stats(t.Context()); err != nil || s.Ready != 1 || s.Leased != 0 {
		t.Errorf("the queue has %+v (%v), want one that nobody has leased", s, err)
	}
}

func TestTheEnvironmentDecidesWhatIsExported(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  map[string]string
		want environment
	}{
		"nothing":           {nil, environment{}},
		"an endpoint":       {map[string]string{endpoint: "http://h:4318"}, environment{traces: otlp, metrics: otlp}},
		"one of traces":     {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h"}, environment{traces: otlp}},
		"one signal off":    {map[string]string{endpoint: "http://h", "OTEL_METRICS_EXPORTER": "none"}, environment{traces: otlp}},
		"the default":       {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, environment{traces: otlp}},
		"console":           {map[string]string{"OTEL_TRACES_EXPORTER": " console "}, environment{traces: console}},
		"a scrape":          {map[string]string{"OTEL_METRICS_EXPORTER": "prometheus"}, environment{scrape: true}},
		"a scrape and otlp": {map[string]string{"OTEL_METRICS_EXPORTER": "otlp,prometheus"}, environment{metrics: otlp, scrape: true}},
		"gRPC":              {map[string]string{endpoint: "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, environment{traces: otlp, metrics: otlp, tracesProtocol: grpcProtocol, metricsProtocol: grpcProtocol}},
		"gRPC for metrics":  {map[string]string{endpoint: "http://h", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, environment{traces: otlp, metrics: otlp, metricsProtocol: grpcProtocol}},
		"disabled":          {map[string]string{endpoint: "h", "OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "x"}, environment{}},
		"headers":           {map[string]string{endpoint: "http://h", "OTEL_EXPORTER_OTLP_HEADERS": " api-key = a%20b=,x!#$%&'*+.^_`|~-=é\n, ,y="}, environment{traces: otlp, metrics: otlp}},
		"only headers":      {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "hunter2", "OTEL_SERVICE_NAME": "x"}, environment{}},
	} {
		got, err := readEnvironment(func(name string) string { return c.env[name] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, protocol := range []*string{&got.tracesProtocol, &got.metricsProtocol} {
			if *protocol == httpProtocol {
				*protocol = ""
			}
		}
		if got.scrapeAddress != "localhost:9464" && name != "disabled" {
			t.Errorf("%s: Prometheus looks at %q", name, got.scrapeAddress)
		}
		got.scrapeAddress = ""
		if *got != c.want {
			t.Errorf("%s: %+v, want %+v", name, *got, c.want)
		}
	}
}

// startWith is start with variables in the environment.
func startWith(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	return start(t, args...)
}

// hasty has exporters send as soon as they can.
var hasty = []string{"OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_METRIC_EXPORT_INTERVAL=20"}

// sends and works in two processes, and gives what both said.
func sendAndWork(t *testing.T, s *sqsServer, data string) (sent, worked ended) {
	t.Helper()
	sent = longshore(t, "", "send", "--queue", s.url, "--kind", "pay", data)
	worked = longshore(t, "", "work", "--queue", s.url, "--until-empty", "1s", "--exec", `echo "$TRACEPARENT"`)
	return sent, worked
}

// A task has one trace, from the command that sent it through the worker to the
// command that did it, and nothing of it but ids and names is told.
func TestTracesAndMetricsReachACollector(t *testing.T) {
	s := startSQS(t)
	c := startCollector(t)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_SERVICE_NAME": "payments",
		"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	} {
		t.Setenv(name, value)
	}
	sent, worked := sendAndWork(t, s, `{"account":"secret-of-ann"}`)
	if sent.code != 0 || worked.code != 0 {
		t.Fatalf("exit codes %d and %d\n%s%s", sent.code, worked.code, sent.err, worked.err)
	}

	send, process := c.span(t, "send orders"), c.span(t, "process orders")
	trace := fmt.Sprintf("%x", send.TraceId)
	if trace != "0af7651916cd43dd8448eb211c80319c" || fmt.Sprintf("%x", send.ParentSpanId) != "b7ad6b7169203331" {
		t.Errorf("the task was sent in trace %s below %x, not in that of the environment", trace, send.ParentSpanId)
	}
	if want := fmt.Sprintf("00-%x-%x-01\n", process.TraceId, process.SpanId); worked.out != want {
		t.Errorf("the command has TRACEPARENT %q, want %q", worked.out, want)
	}
	linked := fmt.Sprintf("%x", process.TraceId) == trace
	for _, l := range process.Links {
		linked = linked || fmt.Sprintf("%x", l.TraceId) == trace
	}
	if !linked {
		t.Errorf("nothing leads from %v to trace %s", process, trace)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, want := range []string{"messaging.client.sent.messages", "messaging.process.duration", "longshore.task.outcomes"} {
		if !slices.Contains(c.metrics, want) {
			t.Errorf("no metric %s in %q", want, c.metrics)
		}
	}
	if !slices.Contains(c.names, "payments") || slices.Contains(c.names, "longshore") {
		t.Errorf("services %q, want payments", c.names)
	}
	if strings.Contains(string(c.raw), "secret-of-ann") {
		t.Error("the payload was exported")
	}
}

// Nothing leaves a process that nobody asked for it.
func TestNothingIsExportedUnasked(t *testing.T) {
	s := startSQS(t)
	c := startCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_SDK_DISABLED", "true")
	sent, worked := sendAndWork(t, s, `1`)
	if sent.code != 0 || worked.code != 0 || worked.out != "\n" || len(c.raw) > 0 {
		t.Errorf("exit codes %d and %d, TRACEPARENT %q, %d bytes exported", sent.code, worked.code, worked.out, len(c.raw))
	}
}

// A collector that is down or refuses costs one line each of traces and of metrics,
// and holds up nothing.
func TestACollectorThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + listener.Addr().String()
	_ = listener.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)
	for _, endpoint := range []string{gone, refusing.URL} {
		p := startWith(t, append(slices.Clone(hasty), "OTEL_EXPORTER_OTLP_TIMEOUT=100", "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint), "run", "--queue", "mem://x", "--exec", "cat")
		fmt.Fprintln(p.in, "first")
		p.err.await(t, "traces are not exported, and work goes on: ", 1)
		p.err.await(t, "metrics are not exported, and work goes on: ", 1)
		fmt.Fprintln(p.in, "second")
		p.out.await(t, "second\n", 1)
		_ = p.in.Close()
		e := p.wait(t)
		if e.code != 0 || strings.Count(e.err, "exported") != 2 || !strings.Contains(e.err, "2 lines: 2 succeeded") {
			t.Errorf("exit code %d; it says\n%s", e.code, e.err)
		}
	}
}

// One that takes connections and never answers holds up no task, and the end for
// flushTime; a second signal is heard meanwhile.
func TestACollectorThatNeverAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // what it took it holds until then
	for _, protocol := range []string{httpProtocol, grpcProtocol} {
		env := append(slices.Clone(hasty), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+listener.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol)
		p := startWith(t, env, "run", "--queue", "mem://x", "--exec", "cat", "--concurrency", "4")
		for n := range 200 {
			fmt.Fprintln(p.in, n)
		}
		_ = p.in.Close()
		p.err.await(t, "200 lines: 200 succeeded", 1)
		done := time.Now()
		e := p.wait(t)
		if took := time.Since(done); e.code != 0 || took > flushTime+5*time.Second {
			t.Errorf("%s: exit code %d, %v after the last task\n%s", protocol, e.code, took, e.err)
		}
		if n := strings.Count(e.err, "exported"); n < 1 || n > 2 {
			t.Errorf("%s: it says\n%s", protocol, e.err)
		}
	}

	p := start(t, "run", "--queue", "mem://x", "--exec", "cat")
	_ = p.in.Close()
	p.err.await(t, "0 lines: ", 1)
	for range 2 {
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if e := p.wait(t); time.Since(began) > flushTime+5*time.Second {
		t.Errorf("exit code %d after %v\n%s", e.code, time.Since(began), e.err)
	}
}

// What an exporter says is told once in a while.
func TestComplaintsAreTold(t *testing.T) {
	var told watchedBuffer
	told.grown = make(chan struct{})
	o := &outlet{what: "traces", screen: newScreen(&told), end: make(chan struct{})}
	fail := func(context.Context) error { return io.ErrUnexpectedEOF }
	for range 3 {
		o.pass(t.Context(), fail)
	}
	if want := "traces are not exported, and work goes on: unexpected EOF\n"; told.String() != want {
		t.Errorf("it says %q, want %q", told.String(), want)
	}
	o.told = time.Now().Add(-complainEvery)
	o.pass(t.Context(), fail)
	o.pass(t.Context(), func(context.Context) error { return nil })
	if n := strings.Count(told.String(), "\n"); n != 2 {
		t.Errorf("it says %q", told.String())
	}

	ended := make(chan struct{})
	close(ended)
	o = &outlet{what: "metrics", screen: newScreen(&told), end: ended}
	o.pass(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if want := "the last metrics are not exported: the collector did not take them in time\n"; !strings.HasSuffix(told.String(), want) {
		t.Errorf("it says %q, want %q", told.String(), want)
	}
}
