package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

const (
	// least is how much of gocloud's rate ours must reach.
	least = 0.95
	// mostRequests of Pull, ModifyAckDeadline and Acknowledge together a message may
	// take.
	mostRequests = 0.1
)

var contenders = []rate.Contender{longshore, gocloud, raw}

// leaseOps are the requests on leases.
var leaseOps = []string{"Pull", "ModifyAckDeadline", "Acknowledge"}

func rateOptions(out io.Writer) rate.Options {
	return rate.Options{Contenders: contenders, Messages: 150_000, Ops: leaseOps, Environment: environment, Out: out}
}

// compareRates prints how many messages a second the contenders take. The error says
// what ours misses.
func compareRates(ctx context.Context, o rate.Options) error {
	results, err := rate.Compare(ctx, o)
	if err != nil {
		return err
	}
	if o.File != "" {
		return o.Record(4, "Google Pub/Sub", "pubsubfake", results)
	}
	return checkRates(o.Out, results)
}

func checkRates(out io.Writer, results []*rate.Result) error {
	fmt.Fprintln(out)
	err := rate.CheckShare(out, results, longshore.Name, gocloud.Name, least)
	for _, r := range results {
		if r.Name == longshore.Name {
			err = errors.Join(err, checkRequests(out, r.Median()))
		}
	}
	return err
}

// checkRequests prints what a message takes, and says whether it is too much.
func checkRequests(out io.Writer, m rate.Measurement) error {
	total := 0.0
	for _, op := range leaseOps {
		total += m.Share(op)
	}
	fmt.Fprintf(out, "a message takes %.4f requests of %s (limit: at most %.2f)\n", total, strings.Join(leaseOps, ", "), mostRequests)
	if total > mostRequests {
		return fmt.Errorf("a message takes %.4f requests on its lease, more than %.2f", total, mostRequests)
	}
	return nil
}
