package rate

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

func (o *Options) report(results []*Result) error {
	fmt.Fprintf(o.Out, "Messages a second off a queue of %d, %d bytes of payload, median of %d interleaved rounds; %s, %s/%s, %d CPUs\n\n",
		o.Messages, load.PayloadSize, o.Rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\tparallel\tmedian\tlowest\thighest\t")
	for i, op := range o.Ops {
		if i == 0 {
			op += " a message"
		}
		fmt.Fprint(w, op, "\t")
	}
	fmt.Fprintln(w)
	for _, r := range results {
		rates, m := r.rates(), r.Median()
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t", r.Name, r.Chosen, m.PerSecond(), slices.Min(rates), slices.Max(rates))
		for _, op := range o.Ops {
			fmt.Fprintf(w, "%.4f\t", m.Share(op))
		}
		fmt.Fprintln(w, r.Does)
	}
	return w.Flush()
}

// CheckShare prints what share of another contender's rate ours has, and says whether
// it is less than least. Of those that did not run it says nothing.
func CheckShare(out io.Writer, results []*Result, ours, theirs string, least float64) error {
	find := func(name string) *Result {
		i := slices.IndexFunc(results, func(r *Result) bool { return r.Name == name })
		if i < 0 {
			return nil
		}
		return results[i]
	}
	a, b := find(ours), find(theirs)
	if a == nil || b == nil {
		return nil
	}
	share := a.Median().PerSecond() / b.Median().PerSecond()
	fmt.Fprintf(out, "%s has %.2f times the rate of %s (limit: at least %.2f); no lease was lost and nothing came twice\n", ours, share, theirs, least)
	if share < least {
		return fmt.Errorf("%s has %.2f times the rate of %s, less than %.2f", ours, share, theirs, least)
	}
	return nil
}
