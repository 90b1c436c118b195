// Package observability holds the Grafana dashboard and the Prometheus alerts of
// Longshore against what its workers really tell. It has no code of its own; README.md
// says how to use the files.
package observability
