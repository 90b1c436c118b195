package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
)

const metricsHint = "for example --metrics :9464, or --metrics 127.0.0.1:0 for a free port that only this host reaches"

const (
	// maxScrapes is how many scrapes are answered at a time; others get 503.
	maxScrapes = 4
	// scrapeTime is the limit for one request and its answer.
	scrapeTime = 10 * time.Second
	// lastScrapeTime is how long the end waits for a scrape that is under way.
	lastScrapeTime = time.Second
)

// scrapeServer has the metrics for Prometheus, and the probes of an orchestrator.
type scrapeServer struct {
	reader   metric.Reader
	registry *prometheus.Registry
	listener net.Listener
	server   *http.Server // nil until serve
	serving  sync.WaitGroup
}

// listenScrape listens on an address, and answers nobody yet. The error is that of a
// user, who gave the address by from.
func listenScrape(ctx context.Context, from, address string) (*scrapeServer, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, usagef(metricsHint, "%s %q is no HOST:PORT", from, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, usagef(metricsHint, "%s %q: the port is not within 0 to 65535", from, address)
	}
	s := &scrapeServer{registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// Which library of this program counted is no news to a dashboard.
	if s.reader, err = exporter.New(exporter.WithRegisterer(s.registry), exporter.WithoutScopeInfo()); err != nil {
		return nil, err
	}
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", address); err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // the rest says the address again
		}
		return nil, usagef(metricsHint, "%s %q: %w", from, address, err)
	}
	return s, nil
}

func (s *scrapeServer) url() string { return "http://" + s.listener.Addr().String() + "/metrics" }

// serve begins to answer, with the probes of health.
func (s *scrapeServer) serve(health http.Handler) {
	mux := http.NewServeMux()
	// A scrape is gathered before it is written, so that one who reads slowly holds
	// up nobody else.
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, CoalesceGather: true, Timeout: scrapeTime / 2, EnableOpenMetrics: true,
	}))
	mux.Handle("GET /livez", health)
	mux.Handle("GET /readyz", health)
	s.server = &http.Server{
		Handler: mux, ReadTimeout: scrapeTime, WriteTimeout: scrapeTime, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what clients do wrong is no trouble of the worker's
	}
	s.serving.Go(func() { _ = s.server.Serve(s.listener) })
}

// close ends the server once the scrapes under way are answered, within
// lastScrapeTime and ctx.
func (s *scrapeServer) close(ctx context.Context) {
	if s.server == nil {
		_ = s.listener.Close()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastScrapeTime)
	defer cancel()
	if err := s.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		_ = s.server.Close()
	}
	s.serving.Wait()
}
