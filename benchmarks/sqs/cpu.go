package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

type cpuOptions struct {
	contenders     []contender
	rounds         int
	warmUp, length time.Duration
	profiles       string
	record         string // a file for the table; no limit is checked then
	out            io.Writer
}

// result is how a contender did in all rounds.
type result struct {
	contender
	chosen int // of parallel
	all    []measurement
	counts map[string]opCount
}

// compareCPU runs the contenders in turn, round after round, each in a process of
// its own against one null server, and prints the CPU time that a message takes.
// The error says which limit ours misses.
func compareCPU(ctx context.Context, o cpuOptions) (err error) {
	if len(o.contenders) == 0 || o.rounds < 1 {
		return synopsis
	}
	server, err := startServer(ctx, "null")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	results := make([]*result, len(o.contenders))
	for i, c := range o.contenders {
		results[i] = &result{contender: c, counts: make(map[string]opCount)}
		if results[i].chosen, err = choose(ctx, server, c); err != nil {
			return err
		}
	}
	for round := range o.rounds {
		for _, r := range results {
			p := period{parallel: r.chosen, warmUp: o.warmUp, length: o.length}
			if o.profiles != "" && round == o.rounds-1 {
				p.profile = filepath.Join(o.profiles, strings.ReplaceAll(r.name, " ", "-")+".pprof")
			}
			before, err := server.counts()
			if err != nil {
				return err
			}
			m, err := process(ctx, server.url, r.contender, p)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			after, err := server.counts()
			if err != nil {
				return err
			}
			r.all = append(r.all, m)
			for op, n := range since(before, after) {
				r.counts[op] = opCount{r.counts[op].Requests + n.Requests, r.counts[op].Messages + n.Messages}
			}
		}
	}
	if err := reportCPU(o, results); err != nil {
		return err
	}
	if o.record != "" {
		return sectionOf(o, results).Save(o.record)
	}
	return checkCPU(o.out, results)
}

// choose tries how many pollers or goroutines take the least CPU a message.
func choose(ctx context.Context, server *serverProcess, c contender) (best int, err error) {
	if len(c.parallel) == 1 {
		return c.parallel[0], nil
	}
	var least time.Duration
	for _, n := range c.parallel {
		m, err := process(ctx, server.url, c, period{parallel: n, warmUp: time.Second, length: 2 * time.Second})
		if err != nil {
			return 0, fmt.Errorf("%s with %d: %w", c.name, n, err)
		}
		if took := m.perMessage(); best == 0 || took < least {
			best, least = n, took
		}
	}
	return best, nil
}

// process runs a contender in a process of its own.
func process(ctx context.Context, url string, c contender, p period) (m measurement, err error) {
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	command := exec.CommandContext(ctx, self, "worker", "-name", c.name, "-parallel", strconv.Itoa(p.parallel),
		"-warmup", p.warmUp.String(), "-round", p.length.String(), "-profile", p.profile)
	command.Env = append(os.Environ(), environment(url)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

func (r *result) costs() []time.Duration {
	all := make([]time.Duration, len(r.all))
	for i, m := range r.all {
		all[i] = m.perMessage()
	}
	slices.Sort(all)
	return all
}

func (r *result) median() time.Duration {
	all := r.costs()
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// together is how many messages a request of op had, on average.
func (r *result) together(op string) float64 {
	return float64(r.counts[op].Messages) / float64(max(1, r.counts[op].Requests))
}

func reportCPU(o cpuOptions, results []*result) error {
	fmt.Fprintf(o.out, "CPU a message (user and system), %d bytes of payload, median of %d interleaved rounds; %s, %s/%s, %d CPUs\n\n",
		load.PayloadSize, o.rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tparallel\tmedian\tlowest\thighest\tmessages/s\ta receive\ta delete\t")
	for _, row := range rowsOf(results) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func micros(d time.Duration) time.Duration { return d.Round(10 * time.Nanosecond) }

// limits are how much of another's CPU a message ours may take.
var limits = []struct {
	of   string
	most float64
}{{raw.name, 1.4}, {gocloudDefault.name, 0.5}}

// checkCPU prints how ours compares, and says which limit it misses. Of those that
// did not run it says nothing.
func checkCPU(out io.Writer, results []*result) error {
	medians := make(map[string]time.Duration)
	for _, r := range results {
		medians[r.name] = r.median()
	}
	ours, ran := medians[longshore.name]
	if !ran {
		return nil
	}
	fmt.Fprintln(out)
	var missed []error
	for _, l := range limits {
		theirs, ran := medians[l.of]
		if !ran {
			continue
		}
		share := float64(ours) / float64(theirs)
		fmt.Fprintf(out, "%s takes %.2f of %s (limit: at most %.2f)\n", longshore.name, share, l.of, l.most)
		if share > l.most {
			missed = append(missed, fmt.Errorf("%s takes %.2f of the CPU a message of %s, more than %.2f", longshore.name, share, l.of, l.most))
		}
	}
	return errors.Join(missed...)
}
