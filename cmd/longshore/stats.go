package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
)

// watchEvery is how often --watch looks when it does not say, and watchLeast the
// shortest time that it takes.
const (
	watchEvery = 2 * time.Second
	watchLeast = 100 * time.Millisecond
)

// statsOptions are the flags of longshore stats.
type statsOptions struct {
	queueFlags
	watch time.Duration // 0 for once
	json  bool
}

const statsLong = `Show how many messages a queue has: ready for a worker, leased by one (or put off
until a retry), delayed, and dead; how old the oldest is that is not dead; and, in
short, how the queue is configured. It changes nothing, and receives nothing. --queue
may be given several times, and with --config it shows all queues of the file.

The numbers are the broker's own. Many brokers count approximately, and what one
does not tell is unknown.

With --watch it looks again every 2 s, or as often as --watch=INTERVAL says, until a
signal: one line a queue each time. What cannot be read then, for a reason that may pass, is
said on standard error, and it goes on.

With --json standard output has one JSON object a line, one for each queue: queue, at, ready, leased, delayed, dead, oldest_ms (each -1 when not known), and policy
(hold_ms, max_attempts, dead_letter, retention_ms, dead_letter_retention_ms; 0 or
empty when not known, -1 without end), which is null when it could not be read.

Exit codes: 0 all is shown, or a signal ended --watch; 1 it was interrupted, some
queue could not be read, or output could not be written; 2 nothing was shown, because
a flag, the queue or the command is wrong, or the queue cannot be read; 130 ended by
a second signal.`

const statsExample = `  longshore stats --queue 'sqs://orders?region=eu-west-1'
  longshore stats --queue 'sqs://orders?region=eu-west-1' --watch=10s --json
  longshore stats --config longshore.yaml`

func statsCommand(std streams, code *int) *cobra.Command {
	o := new(statsOptions)
	c := &cobra.Command{
		Use:     "stats (--queue URL | --config FILE)",
		Short:   "Show how many messages a queue has",
		Long:    statsLong + queueURLs(),
		Example: statsExample,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && c.Flags().Changed("watch"):
				return usagef("for example --watch=5s", "stats takes no argument, but got %q; an interval follows --watch with =", args[0])
			case len(args) > 0:
				return usagef("", "stats takes no argument, but got %q", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return showStats(ctx, o, byURL, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.add(c, "queue `URL`, for example "+exampleURL, "all")
	f.DurationVar(&o.watch, "watch", 0, "look again every `interval`, at least 100ms, until a signal")
	f.Lookup("watch").NoOptDefVal = watchEvery.String()
	f.BoolVar(&o.json, "json", false, "print it as JSON on standard output")
	return c
}

func (o *statsOptions) check(given func(flag string) bool) error {
	if given("watch") && o.watch < watchLeast {
		return usagef("", "--watch=%v is below %v", o.watch, watchLeast)
	}
	return o.queueFlags.check(exampleURL, given)
}

// queueStats is what --json prints. Its fields are stable.
type queueStats struct {
	Queue string    `json:"queue"`
	At    time.Time `json:"at"`
	statsReport
	OldestMS int64         `json:"oldest_ms"` // -1 when not known
	Policy   *policyReport `json:"policy"`    // null when it could not be read
}

func newQueueStats(queue string, s *driver.Stats, policy *policyReport) queueStats {
	q := queueStats{
		Queue: queue, At: time.Now().UTC(), statsReport: statsReport{s.Ready, s.Leased, s.Delayed, s.Dead},
		OldestMS: -1, Policy: policy,
	}
	if s.Oldest >= 0 {
		q.OldestMS = s.Oldest.Milliseconds()
	}
	return q
}

// showStats does what the flags say. It answers the exit code, or an error when
// it showed nothing.
func showStats(ctx context.Context, o *statsOptions, open opener, std streams) (int, error) {
	if err := o.resolve(); err != nil {
		return exitUsage, err
	}
	queues, err := openQueues(ctx, open, o.settings, "longshore stats")
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	w := &statsWatch{options: o, screen: newScreen(std.err), out: std.out}
	for _, q := range queues.All() {
		w.queues = append(w.queues, &watchedQueue{name: q.Name, queue: q.Driver})
		w.longest = max(w.longest, len(q.Name))
	}
	first := w.look(ctx)
	switch {
	case ctx.Err() != nil:
		w.screen.printf("it was interrupted before the queue answered")
		return exitFailed, nil
	case errors.Is(first, errNoStats):
		return exitFailed, nil
	case first != nil && len(w.queues) == 1:
		return exitUsage, &usageError{first, statsHint(first)}
	case first != nil && (o.watch == 0 || !driver.Retryable(first)):
		return exitFailed, nil
	case o.watch == 0:
		return exitOK, nil
	}
	return w.run(ctx), nil
}

// statsHint is what to do about a queue whose numbers cannot be read.
func statsHint(err error) string {
	if driver.Is(err, driver.PermissionDenied) {
		return "allow it: nothing that is declared says how many messages there are"
	}
	return doctorHint(err)
}

// unknownStats are those of a broker that does not count.
var unknownStats = driver.Stats{
	Ready: driver.Unreported, Leased: driver.Unreported, Delayed: driver.Unreported, Dead: driver.Unreported, Oldest: driver.Unreported,
}

// errNoStats is why a watch ends whose output goes nowhere.
var errNoStats = errors.New("the output could not be written")

// statsWatch shows the numbers of queues.
type statsWatch struct {
	options *statsOptions
	queues  []*watchedQueue
	longest int // of their names
	screen  *screen
	out     io.Writer
	looked  bool // once, at all of them
}

// watchedQueue is a queue with what does not change while it is watched.
type watchedQueue struct {
	name   string
	queue  driver.Queue
	policy *policyReport // nil when it could not be read
	asked  bool          // for the policy
}

// run looks again and again until ctx ends, and answers the exit code.
func (w *statsWatch) run(ctx context.Context) int {
	tick := time.NewTicker(w.options.watch)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return exitOK
		}
		err := w.look(ctx)
		switch {
		case ctx.Err() != nil && !errors.Is(err, errNoStats):
			return exitOK
		case err != nil && !driver.Retryable(err):
			return exitFailed
		}
	}
}

// look shows the numbers of each queue once. It says what cannot be read, unless
// that is the only queue when it looks first, and answers an error of a queue, one
// that does not pass before one that may, or errNoStats.
func (w *statsWatch) look(ctx context.Context) (failure error) {
	shown := 0
	for _, q := range w.queues {
		stats, err := q.queue.Stats(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if driver.Is(err, driver.Unsupported) { // its configuration is all there is to show
			stats, err = unknownStats, q.readPolicy(ctx)
		}
		if err != nil {
			if len(w.queues) > 1 || w.looked {
				w.screen.printf("%s%v", w.about(q), err)
			}
			if failure == nil || driver.Retryable(failure) {
				failure = err
			}
			continue
		}
		w.askPolicy(ctx, q)
		now := newQueueStats(q.name, &stats, q.policy)
		if err := w.show(&now, shown > 0); err != nil {
			w.screen.printf("the output could not be written: %v", err)
			return errNoStats
		}
		shown++
	}
	w.looked = true
	return failure
}

// about begins what is said of one queue of several.
func (w *statsWatch) about(q *watchedQueue) string {
	if len(w.queues) == 1 {
		return ""
	}
	return fmt.Sprintf("queue %s: ", q.name)
}

// askPolicy reads how a queue is configured, once.
func (w *statsWatch) askPolicy(ctx context.Context, q *watchedQueue) {
	if q.asked {
		return
	}
	q.asked = true
	if err := q.readPolicy(ctx); err != nil {
		w.screen.printf("%sits configuration could not be read: %v", w.about(q), err)
	}
}

// readPolicy reads how a queue is configured, until that is known.
func (q *watchedQueue) readPolicy(ctx context.Context) error {
	if q.policy != nil {
		return nil
	}
	p, err := q.queue.Policy(ctx)
	if err == nil {
		report := newPolicyReport(&p)
		q.policy = &report
	}
	return err
}

// show prints the numbers as the flags say. They may follow those of another queue.
func (w *statsWatch) show(s *queueStats, follows bool) error {
	switch {
	case w.options.json:
		return writeJSON(w.out, s)
	case w.options.watch > 0 && len(w.queues) > 1:
		return s.row(w.out, fmt.Sprintf("%-*s  ", w.longest, escapeLine(s.Queue)))
	case w.options.watch > 0:
		return s.row(w.out, "")
	}
	if follows {
		if _, err := io.WriteString(w.out, "\n"); err != nil {
			return err
		}
	}
	return s.print(w.out)
}

// row prints the numbers as one line that is read alone, after what names the queue.
func (s *queueStats) row(to io.Writer, name string) error {
	_, err := fmt.Fprintf(to, "%s%s  %s ready, %s leased, %s delayed, %s dead, oldest %s\n", name, s.At.Local().Format(time.TimeOnly),
		number(s.Ready), number(s.Leased), number(s.Delayed), number(s.Dead), s.oldest())
	return err
}

// print prints the numbers and the configuration.
func (s *queueStats) print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "queue %s\n", escapeLine(s.Queue))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  ready\t%s\n  leased\t%s\n  delayed\t%s\n  dead\t%s\n  oldest\t%s\n",
		number(s.Ready), number(s.Leased), number(s.Delayed), number(s.Dead), s.oldest())
	fmt.Fprintf(w, "  policy\t%s\n", s.Policy.short())
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func (s *queueStats) oldest() string {
	switch {
	case s.OldestMS < 0:
		return "unknown"
	case s.OldestMS == 0 && s.Ready <= 0 && s.Leased <= 0 && s.Delayed <= 0:
		return "none"
	}
	return ageText(time.Duration(s.OldestMS) * time.Millisecond)
}

// short is the policy in a line; it may be nil.
func (p *policyReport) short() string {
	if p == nil {
		return "unknown"
	}
	limit, dead := "unknown attempt limit", "no dead letter"
	if p.MaxAttempts > 0 {
		limit = "dead after " + count(p.MaxAttempts, "delivery")
	}
	if p.DeadLetter != "" {
		dead = "dead letter " + escapeLine(p.DeadLetter)
	}
	return fmt.Sprintf("hold %s, %s, %s", span(p.HoldMS), limit, dead)
}
