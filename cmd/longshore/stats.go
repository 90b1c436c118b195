package main

import (
	"context"
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
	queue string
	watch time.Duration // 0 for once
	json  bool
}

const statsLong = `Show how many messages a queue has: ready for a worker, leased by one (or put off
until a retry), delayed, and dead; how old the oldest is that is not dead; and, in
short, how the queue is configured. It changes nothing, and receives nothing.

The numbers are the broker's own. Many brokers count approximately, and what one
does not tell is unknown.

With --watch it looks again every 2 s, or as often as --watch=INTERVAL says, until a
signal: one line each time. What cannot be read then, for a reason that may pass, is
said on standard error, and it goes on.

With --json standard output has one JSON object, or one a line with --watch: queue,
at, ready, leased, delayed, dead, oldest_ms (each -1 when not known), and policy
(hold_ms, max_attempts, dead_letter, retention_ms, dead_letter_retention_ms; 0 or
empty when not known, -1 without end), which is null when it could not be read.

Exit codes: 0 it is shown, or a signal ended --watch; 1 it was interrupted, the
queue could no longer be read, or output could not be written; 2 nothing was shown,
because a flag, the queue or the command is wrong, or the queue cannot be read; 130
ended by a second signal.`

const statsExample = `  longshore stats --queue 'sqs://orders?region=eu-west-1'
  longshore stats --queue 'sqs://orders?region=eu-west-1' --watch=10s --json`

func statsCommand(std streams, code *int) *cobra.Command {
	o := new(statsOptions)
	c := &cobra.Command{
		Use:     "stats --queue URL",
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
			return interruptible(c, code, func(ctx context.Context) (int, error) { return showStats(ctx, o, driver.Default.Open, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.queue, "queue", "", "queue `URL`, for example sqs://orders?region=eu-west-1 (required)")
	f.DurationVar(&o.watch, "watch", 0, "look again every `interval`, at least 100ms, until a signal")
	f.Lookup("watch").NoOptDefVal = watchEvery.String()
	f.BoolVar(&o.json, "json", false, "print it as JSON on standard output")
	return c
}

func (o *statsOptions) check(given func(flag string) bool) error {
	switch {
	case o.queue == "":
		return usagef("for example --queue 'sqs://orders?region=eu-west-1'", "--queue is missing")
	case given("watch") && o.watch < watchLeast:
		return usagef("", "--watch=%v is below %v", o.watch, watchLeast)
	}
	return nil
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
	queues, err := openQueues(ctx, open, o.queue, "longshore stats", nil)
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	q := queues.All()[0]
	screen := newScreen(std.err)
	stats, err := q.Driver.Stats(ctx)
	if ctx.Err() != nil {
		screen.printf("it was interrupted before the queue answered")
		return exitFailed, nil
	}
	if err != nil {
		return exitUsage, &usageError{err, doctorHint(err)}
	}
	var policy *policyReport
	if p, err := q.Driver.Policy(ctx); err == nil {
		report := newPolicyReport(&p)
		policy = &report
	} else {
		screen.printf("its configuration could not be read: %v", err)
	}
	now := newQueueStats(q.Name, &stats, policy)
	if err := now.show(o, std.out); err != nil {
		screen.printf("the output could not be written: %v", err)
		return exitFailed, nil
	}
	if o.watch == 0 {
		return exitOK, nil
	}
	return watchStats(ctx, o, q.Driver, &now, screen, std.out), nil
}

// watchStats shows the numbers again and again until ctx ends, and answers the
// exit code. Before is what was shown first.
func watchStats(ctx context.Context, o *statsOptions, q driver.Queue, before *queueStats, screen *screen, out io.Writer) int {
	tick := time.NewTicker(o.watch)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return exitOK
		}
		stats, err := q.Stats(ctx)
		switch {
		case ctx.Err() != nil:
			return exitOK
		case err != nil:
			screen.printf("%v", err)
			if driver.Retryable(err) {
				continue
			}
			return exitFailed
		}
		now := newQueueStats(before.Queue, &stats, before.Policy)
		if err := now.show(o, out); err != nil {
			screen.printf("the output could not be written: %v", err)
			return exitFailed
		}
		*before = now
	}
}

// show prints the numbers as the flags say.
func (s *queueStats) show(o *statsOptions, to io.Writer) error {
	switch {
	case o.json:
		return writeJSON(to, s)
	case o.watch > 0:
		return s.row(to)
	}
	return s.print(to)
}

// row prints the numbers as one line that is read alone.
func (s *queueStats) row(to io.Writer) error {
	_, err := fmt.Fprintf(to, "%s  %s ready, %s leased, %s delayed, %s dead, oldest %s\n", s.At.Local().Format(time.TimeOnly),
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
