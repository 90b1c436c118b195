package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

var columns = []string{"", "tasks/s", "lowest", "highest", "of longshore", "µs CPU", "allocations", "what happens to a task"}

// tell prints the table of a comparison, checks it and records it.
func tell(o options, results []*result, absent []string, uses []report.Library) error {
	rows := rowsOf(results)
	fmt.Fprintf(o.out, "%d workers, %d bytes of payload, median of %d interleaved rounds; %s, %s/%s, %d CPUs\n\n",
		workers, payloadSize, o.rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, r := range append([][]string{columns}, rows...) {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range absent {
		fmt.Fprintf(o.out, "%s\n", a)
	}
	if o.record != "" {
		return comparison(o, rows, results, absent, uses).Save(o.record)
	}
	var missed error
	if o.check != nil {
		fmt.Fprintln(o.out)
		missed = o.check(o.out, results)
	}
	return errors.Join(missed, checkLeast(results, o.least))
}

func rowsOf(results []*result) [][]string {
	ours := 0.0
	if r := find(results, longshore.name); r != nil {
		ours = load.Median(r.of(rate))
	}
	var rows [][]string
	for _, r := range results {
		rates, share := r.of(rate), "-"
		if ours > 0 {
			share = fmt.Sprintf("%.2f", load.Median(rates)/ours)
		}
		rows = append(rows, []string{
			r.name, fmt.Sprintf("%.0f", load.Median(rates)), fmt.Sprintf("%.0f", slices.Min(rates)), fmt.Sprintf("%.0f", slices.Max(rates)), share,
			fmt.Sprintf("%.2f", load.Median(r.of(micros))), fmt.Sprintf("%.1f", load.Median(r.of(allocations))), r.does,
		})
	}
	return rows
}

// checkLeast says whether longshore was below the least in every round.
func checkLeast(results []*result, least int) error {
	r := find(results, longshore.name)
	if r == nil {
		return nil
	}
	if fastest := slices.Max(r.of(rate)); fastest < float64(least) {
		return fmt.Errorf("%s does %.0f tasks a second at best, fewer than the %d it must", r.name, fastest, least)
	}
	return nil
}

func find(results []*result, name string) *result {
	i := slices.IndexFunc(results, func(r *result) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return results[i]
}

// comparison is the table in the report.
func comparison(o options, rows [][]string, results []*result, absent []string, uses []report.Library) report.Section {
	var said strings.Builder
	_ = checkPeers(&said, results) // the report says how it is
	return report.Section{
		Order: 1, Title: "From enqueue to ack",
		Method: fmt.Sprintf("Tasks of %d bytes through a queue and %d workers that do nothing with them, on %d cores: median of %d interleaved rounds of %v after %v, with lowest and highest. "+
			"CPU and allocations are those of the whole process, producers included, for a task; a Redis or PostgreSQL is not counted, and uses the same cores. "+
			"Redis keeps nothing on disk, PostgreSQL has its default settings.",
			payloadSize, workers, runtime.GOMAXPROCS(0), o.rounds, o.length, o.warmUp),
		Columns: columns, Rows: rows, Absent: absent, Libraries: uses, Results: lines(said.String()),
	}
}

// lines are those of a text that are not empty.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// peerLimits are what ours must reach beside another: at least so many times its rate.
var peerLimits = []struct {
	ours  string
	of    []string // the fastest of them
	what  string
	least float64
}{
	{longshore.name, []string{watermillGoChannel.name, watermillBuffered.name}, "the better of watermill's two", 2.5},
	{longshore.name, []string{gocloudMem.name}, gocloudMem.name, 5},
	{longshoreMany.name, []string{longshore.name}, "Enqueue", 1.15},
}

const (
	// mostAllocations and mostMicros of CPU a task may take from enqueue to ack.
	mostAllocations, mostMicros = 12, 5
)

// checkPeers prints how ours does beside the others, and says what it misses. Of those
// that did not run it says nothing.
func checkPeers(out io.Writer, results []*result) error {
	var missed []error
	for _, l := range peerLimits {
		ours, best := find(results, l.ours), 0.0
		for _, name := range l.of {
			if r := find(results, name); r != nil {
				best = max(best, load.Median(r.of(rate)))
			}
		}
		if ours == nil || best == 0 {
			continue
		}
		share := load.Median(ours.of(rate)) / best
		fmt.Fprintf(out, "%s has %.2f times the rate of %s (limit: at least %.2f)\n", l.ours, share, l.what, l.least)
		if share < l.least {
			missed = append(missed, fmt.Errorf("%s has %.2f times the rate of %s, less than %.2f", l.ours, share, l.what, l.least))
		}
	}
	if r := find(results, longshore.name); r != nil {
		for _, l := range []struct {
			value, most float64
			what        string
		}{
			{load.Median(r.of(allocations)), mostAllocations, "allocations"},
			{load.Median(r.of(micros)), mostMicros, "µs CPU"},
		} {
			fmt.Fprintf(out, "%s takes %.2f %s a task (limit: at most %.0f)\n", r.name, l.value, l.what, l.most)
			if l.value > l.most {
				missed = append(missed, fmt.Errorf("%s takes %.2f %s a task, more than %.0f", r.name, l.value, l.what, l.most))
			}
		}
	}
	return errors.Join(missed...)
}
