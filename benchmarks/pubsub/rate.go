package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

const (
	// least is how much of gocloud's rate ours must reach.
	least = 0.95
	// mostRequests of Pull, ModifyAckDeadline and Acknowledge together a message may
	// take.
	mostRequests = 0.1
	// lookEvery is how often the server is asked how far a contender is.
	lookEvery = 5 * time.Millisecond
)

type rateOptions struct {
	contenders []contender
	rounds     int
	messages   int
	profiles   string
	out        io.Writer
}

// measurement is how a contender did with what is between a fifth and nine tenths
// of the queue.
type measurement struct {
	messages int
	took     time.Duration
	requests map[string]int // by operation, of the messages
}

// perSecond is how many messages were acknowledged in a second.
func (m measurement) perSecond() float64 { return float64(m.messages) / m.took.Seconds() }

// share is how many requests of an operation a message took.
func (m measurement) share(op string) float64 { return float64(m.requests[op]) / float64(m.messages) }

// leaseOps are the requests on leases.
var leaseOps = []string{"Pull", "ModifyAckDeadline", "Acknowledge"}

// result is how a contender did in all rounds.
type result struct {
	contender
	chosen int // of parallel
	all    []measurement
}

// median is the measurement with the median rate, the lower one of two.
func (r *result) median() measurement {
	all := slices.Clone(r.all)
	slices.SortFunc(all, func(a, b measurement) int { return int(a.perSecond() - b.perSecond()) })
	return all[(len(all)-1)/2]
}

// compareRates runs the contenders in turn, round after round, each in a process of
// its own on a queue of its own at one server, and prints how many messages a second
// the server saw acknowledged. The error says what ours misses.
func compareRates(ctx context.Context, o rateOptions) (err error) {
	if len(o.contenders) == 0 || o.rounds < 1 || o.messages < 1000 {
		return errUsage
	}
	server, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	results := make([]*result, len(o.contenders))
	for i, c := range o.contenders {
		results[i] = &result{contender: c}
		if results[i].chosen, err = choose(ctx, server, c, o.messages); err != nil {
			return err
		}
	}
	for round := range o.rounds {
		for _, r := range results {
			p := part{name: r.name, Parallel: r.chosen}
			if o.profiles != "" && round == o.rounds-1 {
				p.Profile = filepath.Join(o.profiles, strings.ReplaceAll(r.name, " ", "-")+".pprof")
			}
			m, err := measure(ctx, server, p, o.messages)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			r.all = append(r.all, m)
		}
	}
	return errors.Join(reportRates(o, results), checkRates(o.out, results))
}

// choose tries how many slots or goroutines have the highest rate.
func choose(ctx context.Context, server *serverProcess, c contender, messages int) (best int, err error) {
	if len(c.parallel) == 1 {
		return c.parallel[0], nil
	}
	var highest float64
	for _, n := range c.parallel {
		m, err := measure(ctx, server, part{name: c.name, Parallel: n}, messages)
		if err != nil {
			return 0, fmt.Errorf("%s with %d: %w", c.name, n, err)
		}
		if rate := m.perSecond(); rate > highest {
			best, highest = n, rate
		}
	}
	return best, nil
}

// measure runs a contender on a full queue.
func measure(ctx context.Context, server *serverProcess, p part, messages int) (m measurement, err error) {
	p.queue = load.QueueName
	if _, err := server.do(command{Make: p.queue, Fill: messages}); err != nil {
		return m, err
	}
	defer func() {
		_, dropped := server.do(command{Drop: p.queue})
		err = errors.Join(err, dropped)
	}()
	c, err := startContender(ctx, server, p)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	from, began, err := reach(ctx, server, c, messages, messages/5)
	if err != nil {
		return m, err
	}
	to, ended, err := reach(ctx, server, c, messages, messages*9/10)
	if err != nil {
		return m, err
	}
	m = measurement{messages: from.left() - to.left(), took: ended.Sub(began), requests: make(map[string]int)}
	for op, n := range to.Requests {
		m.requests[op] = n - from.Requests[op]
	}
	return m, nil
}

// left is how many messages of the queue are not acknowledged.
func (s state) left() int { return s.Count.Ready + s.Count.Leased + s.Count.Delayed }

// reach waits until so many messages of all are acknowledged.
func reach(ctx context.Context, server *serverProcess, c *contenderProcess, all, acked int) (state, time.Time, error) {
	for {
		s, err := server.do(command{Look: load.QueueName})
		now := time.Now()
		switch {
		case err != nil:
			return s, now, err
		case s.left() <= all-acked:
			return s, now, nil
		case ctx.Err() != nil:
			return s, now, context.Cause(ctx)
		case c.hasEnded():
			return s, now, errors.New("it has ended by itself")
		}
		load.Pause(ctx, lookEvery)
	}
}

func reportRates(o rateOptions, results []*result) error {
	fmt.Fprintf(o.out, "Messages a second off a queue of %d, %d bytes of payload, median of %d interleaved rounds; %s, %s/%s, %d CPUs\n\n",
		o.messages, load.PayloadSize, o.rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tparallel\tmedian\tlowest\thighest\tPull a message\tModifyAckDeadline\tAcknowledge\t")
	for _, r := range results {
		rates := make([]float64, len(r.all))
		for i, m := range r.all {
			rates[i] = m.perSecond()
		}
		m := r.median()
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t%.4f\t%.4f\t%.4f\t%s\n", r.name, r.chosen, m.perSecond(), slices.Min(rates), slices.Max(rates),
			m.share(leaseOps[0]), m.share(leaseOps[1]), m.share(leaseOps[2]), r.does)
	}
	return w.Flush()
}

// checkRates prints how ours compares, and says which limit it misses. Of those that
// did not run it says nothing.
func checkRates(out io.Writer, results []*result) error {
	by := make(map[string]measurement)
	for _, r := range results {
		by[r.name] = r.median()
	}
	ours, ran := by[longshore.name]
	if !ran {
		return nil
	}
	fmt.Fprintln(out)
	var missed []error
	if theirs, ran := by[gocloud.name]; ran {
		share := ours.perSecond() / theirs.perSecond()
		fmt.Fprintf(out, "%s has %.2f times the rate of %s, at least %.2f; no lease was lost and nothing came twice\n", longshore.name, share, gocloud.name, least)
		if share < least {
			missed = append(missed, fmt.Errorf("%s has %.2f times the rate of %s, less than %.2f", longshore.name, share, gocloud.name, least))
		}
	}
	return errors.Join(append(missed, checkRequests(out, ours))...)
}

// checkRequests prints what a message takes, and says whether it is too much.
func checkRequests(out io.Writer, m measurement) error {
	total := 0.0
	for _, op := range leaseOps {
		total += m.share(op)
	}
	fmt.Fprintf(out, "a message takes %.4f requests of %s, at most %.2f\n", total, strings.Join(leaseOps, ", "), mostRequests)
	if total > mostRequests {
		return fmt.Errorf("a message takes %.4f requests on its lease, more than %.2f", total, mostRequests)
	}
	return nil
}
