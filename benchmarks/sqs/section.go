package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

// sectionOf is the table of CPU in the report.
func sectionOf(o cpuOptions, results []*result) report.Section {
	s := report.Section{
		Order: 3, Title: "Amazon SQS",
		Method: fmt.Sprintf("User and system time of the worker's process for a message with %d bytes of payload, on a server in a process of its own that has ten messages for every receive at once: "+
			"median of %d interleaved rounds of %v after %v, with lowest and highest. Of the peers some numbers of pollers or goroutines were tried first, and the cheapest is taken.",
			load.PayloadSize, o.rounds, o.length, o.warmUp),
		Columns: []string{"", "parallel", "CPU a message", "lowest", "highest", "messages/s", "a receive", "a delete", "what happens to a task"},
	}
	s.Rows = rowsOf(results)
	return s
}

// rowsOf are the results as a table has them.
func rowsOf(results []*result) (rows [][]string) {
	for _, r := range results {
		all := r.costs()
		rates := make([]float64, len(r.all))
		for i, m := range r.all {
			rates[i] = m.perSecond()
		}
		slices.Sort(rates)
		rows = append(rows, []string{
			r.name, strconv.Itoa(r.chosen), micros(r.median()).String(), micros(all[0]).String(), micros(all[len(all)-1]).String(),
			fmt.Sprintf("%.0f", rates[len(rates)/2]), fmt.Sprintf("%.2f", r.together(opReceive)), fmt.Sprintf("%.2f", r.together(opDelete)), r.does,
		})
	}
	return rows
}
