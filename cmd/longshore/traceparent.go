package main

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// traceContext is the one way in which traces cross a process here.
var traceContext propagation.TraceContext

// traceVariables are the variables by which a command that is run joins the trace of
// ctx: TRACEPARENT and TRACESTATE, as far as there is one.
func traceVariables(ctx context.Context) (variables []string) {
	carrier := make(propagation.MapCarrier)
	traceContext.Inject(ctx, carrier)
	for _, name := range traceContext.Fields() {
		if value := carrier[name]; value != "" {
			variables = append(variables, strings.ToUpper(name)+"="+value)
		}
	}
	return variables
}

// addTraceHeaders has a request join the trace of ctx, if there is one.
func addTraceHeaders(ctx context.Context, h http.Header) {
	traceContext.Inject(ctx, propagation.HeaderCarrier(h))
}

// joinTrace gives ctx the trace of whoever ran this process, which says so with the
// same variables. One that is malformed is none.
func joinTrace(ctx context.Context, getenv func(string) string) context.Context {
	carrier := make(propagation.MapCarrier)
	for _, name := range traceContext.Fields() {
		carrier[name] = getenv(strings.ToUpper(name))
	}
	return traceContext.Extract(ctx, carrier)
}
