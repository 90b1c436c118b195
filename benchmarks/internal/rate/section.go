package rate

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

// Record writes the table of results to the file of o, for the report.
func (o *Options) Record(order int, title, server string, results []*Result) error {
	s := report.Section{
		Order: order, Title: title,
		Method: fmt.Sprintf("Messages a second off a queue of %d with %d bytes of payload, on %s in a process of its own: median of %d interleaved rounds, with lowest and highest; a peer that is much slower has fewer messages. "+
			"Of the peers some numbers of slots, loops or goroutines were tried first, and the fastest is taken.",
			o.Messages, load.PayloadSize, server, o.Rounds),
		Columns: []string{"", "parallel", "messages/s", "lowest", "highest", "of longshore", "what happens to a task"},
	}
	ours := 0.0
	if i := slices.IndexFunc(results, func(r *Result) bool { return r.Name == oursName }); i >= 0 {
		ours = results[i].Median().PerSecond()
	}
	for _, r := range results {
		share, rates := "-", r.rates()
		if ours > 0 {
			share = fmt.Sprintf("%.2f", r.Median().PerSecond()/ours)
		}
		s.Rows = append(s.Rows, []string{
			r.Name, strconv.Itoa(r.Chosen), fmt.Sprintf("%.0f", r.Median().PerSecond()),
			fmt.Sprintf("%.0f", slices.Min(rates)), fmt.Sprintf("%.0f", slices.Max(rates)), share, r.Does,
		})
	}
	return s.Save(o.File)
}

// rates are those of all rounds.
func (r *Result) rates() []float64 {
	rates := make([]float64, len(r.All))
	for i, m := range r.All {
		rates[i] = m.PerSecond()
	}
	return rates
}
