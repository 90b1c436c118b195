package rate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
)

// LookEvery is how often the server is asked how far a contender is.
const LookEvery = 5 * time.Millisecond

// Options are what to compare.
type Options struct {
	Contenders []Contender
	Rounds     int // at least 1
	Messages   int // on the queue when a contender starts; at least 1,000
	Profiles   string
	File       string // of the table for the report, of which no limit is checked; "" for none
	Out        io.Writer
	// Ops are the operations that are reported.
	Ops []string
	// Environment is the variable by which a process finds the server at an address.
	Environment func(address string) string
}

// Flags are those of the command that compares. Only is the part of a name that
// picks contenders.
func (o *Options) Flags(only *string) *flag.FlagSet {
	flags := flag.NewFlagSet("rate", flag.ContinueOnError)
	flags.StringVar(only, "only", "", "run only contenders whose name contains this; no limit is checked then")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds; in each every contender runs once, and the median of all counts")
	flags.IntVar(&o.Messages, "messages", o.Messages, "how many messages are on the queue when a contender starts")
	flags.StringVar(&o.File, "record", "", "a file for the table; no limit is checked then")
	flags.StringVar(&o.Profiles, "profiles", "", "a directory for a CPU profile of each contender's last round")
	return flags
}

// Pick leaves the contenders whose name contains only.
func (o *Options) Pick(only string) {
	o.Contenders = slices.DeleteFunc(slices.Clone(o.Contenders), func(c Contender) bool { return !strings.Contains(c.Name, only) })
}

// Measurement is how a contender did with what is between a fifth and nine tenths of
// the queue.
type Measurement struct {
	Messages int
	Took     time.Duration
	Requests map[string]int // by operation, of the messages
}

// PerSecond is how many messages were acknowledged in a second.
func (m Measurement) PerSecond() float64 { return float64(m.Messages) / m.Took.Seconds() }

// Share is how many requests of an operation a message took.
func (m Measurement) Share(op string) float64 { return float64(m.Requests[op]) / float64(m.Messages) }

// Result is how a contender did in all rounds.
type Result struct {
	Contender
	Chosen int // of Parallel
	All    []Measurement
}

// Median is the measurement with the median rate, the lower one of two.
func (r *Result) Median() Measurement {
	all := slices.Clone(r.All)
	slices.SortFunc(all, func(a, b Measurement) int { return int(a.PerSecond() - b.PerSecond()) })
	return all[(len(all)-1)/2]
}

// Compare runs the contenders in turn, round after round, each in a process of its
// own on a queue of its own at one server, and prints how many messages a second the
// server saw acknowledged.
func Compare(ctx context.Context, o Options) (results []*Result, err error) {
	if len(o.Contenders) == 0 || o.Rounds < 1 || o.Messages < 1000 {
		return nil, errors.New("a comparison takes a contender, a round and 1,000 messages at least")
	}
	s, err := server.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	results = make([]*Result, len(o.Contenders))
	for i, c := range o.Contenders {
		results[i] = &Result{Contender: c}
		if results[i].Chosen, err = o.choose(ctx, s, c); err != nil {
			return nil, err
		}
	}
	for round := range o.Rounds {
		for _, r := range results {
			p := Part{Name: r.Name, Parallel: r.Chosen, messages: o.messagesOf(r.Contender)}
			if o.Profiles != "" && round == o.Rounds-1 {
				p.Profile = filepath.Join(o.Profiles, strings.ReplaceAll(r.Name, " ", "-")+".pprof")
			}
			m, err := o.measure(ctx, s, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Name, err)
			}
			r.All = append(r.All, m)
		}
	}
	return results, o.report(results)
}

// choose tries how many slots or goroutines have the highest rate.
func (o *Options) choose(ctx context.Context, s *server.Process, c Contender) (best int, err error) {
	if len(c.Parallel) == 1 {
		return c.Parallel[0], nil
	}
	var highest float64
	for _, n := range c.Parallel {
		m, err := o.measure(ctx, s, Part{Name: c.Name, Parallel: n, messages: o.messagesOf(c)})
		if err != nil {
			return 0, fmt.Errorf("%s with %d: %w", c.Name, n, err)
		}
		if rate := m.PerSecond(); rate > highest {
			best, highest = n, rate
		}
	}
	return best, nil
}

// measure runs a contender on a full queue.
func (o *Options) measure(ctx context.Context, s *server.Process, p Part) (m Measurement, err error) {
	p.Queue = load.QueueName
	if _, err := s.Do(server.Command{Make: p.Queue, Fill: p.messages}); err != nil {
		return m, err
	}
	defer func() {
		_, dropped := s.Do(server.Command{Drop: p.Queue})
		err = errors.Join(err, dropped)
	}()
	c, err := start(ctx, o.Environment(s.Address), p)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	from, began, err := reach(ctx, s, c, p.messages-p.messages/5)
	if err != nil {
		return m, err
	}
	to, ended, err := reach(ctx, s, c, p.messages-p.messages*9/10)
	if err != nil {
		return m, err
	}
	return Measurement{Messages: from.Left - to.Left, Took: ended.Sub(began), Requests: Between(from, to)}, nil
}

// Between is how many requests of each operation were answered between two states.
func Between(from, to server.State) map[string]int {
	requests := make(map[string]int)
	for op, n := range to.Requests {
		requests[op] = n - from.Requests[op]
	}
	return requests
}

// messagesOf is how many messages are on the queue of a contender.
func (o *Options) messagesOf(c Contender) int {
	if c.Messages > 0 {
		return min(c.Messages, o.Messages)
	}
	return o.Messages
}

// reach waits until no more than so many messages are left.
func reach(ctx context.Context, s *server.Process, c *process, left int) (server.State, time.Time, error) {
	for {
		state, err := s.Do(server.Command{Look: load.QueueName})
		now := time.Now()
		switch {
		case err != nil:
			return state, now, err
		case state.Left <= left:
			return state, now, nil
		case ctx.Err() != nil:
			return state, now, context.Cause(ctx)
		case c.hasEnded():
			return state, now, errors.New("it has ended by itself")
		}
		load.Pause(ctx, LookEvery)
	}
}
