package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// leastShare is the throughput with telemetry that is promised, as a part of that
// without.
const leastShare = 0.85

// compareTelemetry runs a worker with telemetry and without, in turn, each in a process
// of its own against one null server, and prints what part of the throughput is left.
// The error says that it is less than promised.
func compareTelemetry(ctx context.Context, o cpuOptions) (err error) {
	if o.rounds < 1 {
		return synopsis
	}
	server, err := startServer(ctx, "null")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	p := period{parallel: slots, warmUp: o.warmUp, length: o.length}
	var shares []float64
	for round := range o.rounds {
		pair := []contender{longshore, watched}
		if round%2 == 1 { // who comes first has no advantage
			slices.Reverse(pair)
		}
		rates := make(map[string]float64)
		for _, c := range pair {
			m, err := process(ctx, server.url, c, p)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			rates[c.name] = float64(m.Messages) / m.Took.Seconds()
			fmt.Fprintf(o.out, "%-26s %8.0f messages/s  %6v CPU a message\n", c.name, rates[c.name], m.perMessage())
		}
		shares = append(shares, rates[watched.name]/rates[longshore.name])
	}
	share := load.Median(shares)
	fmt.Fprintf(o.out, "with telemetry %.3f of the throughput without (limit: at least %.2f); rounds from %.3f to %.3f\n", share, leastShare, slices.Min(shares), slices.Max(shares))
	if share < leastShare {
		return fmt.Errorf("telemetry leaves %.3f of the throughput, less than %.2f", share, leastShare)
	}
	return nil
}
