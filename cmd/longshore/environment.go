package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
)

// What traces and metrics can go to, and how.
const (
	otlp         = "otlp"
	console      = "console"
	httpProtocol = "http/protobuf"
	grpcProtocol = "grpc"
)

// environment is what the variables of OpenTelemetry ask for.
type environment struct {
	traces, metrics string // otlp, console, or empty for none
	tracesProtocol  string // http/protobuf or grpc
	metricsProtocol string
	scrape          bool // metrics are asked of Prometheus
	scrapeAddress   string
}

// readEnvironment reads the variables that the SDK leaves to programs: those that
// say whether to tell, and how. Without any nothing is asked for: a collector on
// this host, which is the standard's default, is not everywhere.
func readEnvironment(getenv func(string) string) (*environment, error) {
	e := new(environment)
	if strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true") {
		return e, nil
	}
	for _, signal := range []struct {
		name               string
		exporter, protocol *string
	}{{"TRACES", &e.traces, &e.tracesProtocol}, {"METRICS", &e.metrics, &e.metricsProtocol}} {
		endpoint := false
		for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_" + signal.name + "_ENDPOINT"} {
			value := strings.TrimSpace(getenv(name))
			if value == "" {
				continue
			}
			endpoint = true
			if err := checkEndpoint(value); err != nil {
				return nil, usagef("for example http://localhost:4318", "%s: %w", name, err) // the value may have a secret
			}
		}
		name := "OTEL_" + signal.name + "_EXPORTER"
		given := strings.TrimSpace(getenv(name))
		if given == "" && endpoint {
			given = otlp
		}
		for exporter := range strings.SplitSeq(given, ",") {
			switch exporter = strings.TrimSpace(exporter); {
			case exporter == "", exporter == "none":
			case exporter == "prometheus" && signal.name == "METRICS":
				e.scrape = true
			case exporter != otlp && exporter != console:
				return nil, usagef("it takes otlp, console, none and, for metrics, prometheus", "%s: unknown exporter %q", name, exporter)
			case *signal.exporter != "" && *signal.exporter != exporter:
				return nil, usagef("name one of both", "%s: otlp and console are both named", name)
			default:
				*signal.exporter = exporter
			}
		}
		if *signal.exporter != otlp {
			continue
		}
		for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_" + signal.name + "_HEADERS"} {
			if err := checkHeaders(getenv(name)); err != nil {
				return nil, usagef("for example api-key=secret,tenant=a%20b", "%s: %w", name, err)
			}
		}
		protocol, from := httpProtocol, ""
		for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_" + signal.name + "_PROTOCOL"} {
			if value := strings.TrimSpace(getenv(name)); value != "" {
				protocol, from = value, name
			}
		}
		if protocol != httpProtocol && protocol != grpcProtocol {
			return nil, usagef("it takes http/protobuf and grpc", "%s: unknown protocol %q", from, protocol)
		}
		*signal.protocol = protocol
	}
	e.scrapeAddress = joinAddress(getenv("OTEL_EXPORTER_PROMETHEUS_HOST"), getenv("OTEL_EXPORTER_PROMETHEUS_PORT"))
	return e, nil
}

// checkEndpoint refuses what the exporters would take for the collector on this
// host, with a line in their log.
func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix" {
		return errors.New("it is no URL that begins with http:// or https://")
	}
	return nil
}

// checkHeaders refuses what the exporters would leave out, and log with the secrets
// that headers have. The error has none of the text.
func checkHeaders(headers string) error {
	n := 0
	for header := range strings.SplitSeq(headers, ",") {
		n++
		if strings.TrimSpace(header) == "" {
			continue
		}
		name, value, found := strings.Cut(header, "=")
		if name = strings.TrimSpace(name); !found || name == "" || strings.ContainsFunc(name, notInToken) {
			return fmt.Errorf("header %d is no NAME=VALUE", n)
		}
		value, err := url.PathUnescape(value)
		if err != nil || strings.ContainsFunc(strings.TrimSpace(value), unicode.IsControl) {
			return fmt.Errorf("the value of header %d is not percent-encoded text", n)
		}
	}
	return nil
}

// notInToken says whether r cannot be in the name of a header.
func notInToken(r rune) bool {
	return r > '~' || r <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// joinAddress is where the standard has Prometheus look.
func joinAddress(host, port string) string {
	return net.JoinHostPort(cmp.Or(strings.TrimSpace(host), "localhost"), cmp.Or(strings.TrimSpace(port), "9464"))
}
