package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

const (
	// least is how much of the rate of the loop by hand ours must reach.
	least = 0.8
	// leastRaw is how many messages a second the server must carry through the client
	// library.
	leastRaw = 5000
)

var contenders = []rate.Contender{longshore, raw, gocloud}

func rateOptions(out io.Writer) rate.Options {
	return rate.Options{
		Contenders: contenders, Messages: 60_000, Environment: environment, Out: out,
		Ops: []string{opDeliver, opSettle, opRelease, opRenew},
	}
}

// compareRates prints how many messages a second the contenders take. The error says
// what ours misses.
func compareRates(ctx context.Context, o rate.Options) error {
	results, err := rate.Compare(ctx, o)
	if err != nil {
		return err
	}
	if o.File != "" {
		return o.Record(5, "Azure Service Bus", "sbfake", results)
	}
	return checkRates(o.Out, results)
}

func checkRates(out io.Writer, results []*rate.Result) error {
	fmt.Fprintln(out)
	err := rate.CheckShare(out, results, longshore.Name, raw.Name, least)
	for _, r := range results {
		if r.Name != raw.Name {
			continue
		}
		highest := 0.0
		for _, m := range r.All {
			highest = max(highest, m.PerSecond())
		}
		fmt.Fprintf(out, "the server carries %.0f messages a second through the client library (limit: at least %d); at most %.0f were seen\n", r.Median().PerSecond(), leastRaw, highest)
		if r.Median().PerSecond() < leastRaw {
			err = errors.Join(err, fmt.Errorf("the server carries %.0f messages a second, fewer than %d", r.Median().PerSecond(), leastRaw))
		}
	}
	return err
}
