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
	"github.com/longshore-dev/longshore/runtime"
)

// exitWarned says that a doctor found nothing worse than warnings.
const exitWarned = 3

// doctorOptions are the flags of longshore doctor.
type doctorOptions struct {
	queue       string
	maxAttempts int
	timeout     time.Duration
	hold        time.Duration
	json        bool
}

const doctorLong = `Compare how a queue is really configured with what a worker needs, and say what
is wrong, why it matters and what to do. Give it the values that the worker has. It
changes nothing, and receives nothing.

Errors are what a worker refuses to start on: no dead letter or one that nobody can
read, a broker that would bury tasks which have attempts left, a hold or timeout
that does not fit, a dead letter that forgets before its queue does. A queue URL may
declare the configuration, as the output url_declared of the Terraform module for
Amazon SQS does; then every difference is an error too, so that a change behind
Terraform's back is named.

Warnings are what a worker can live with: a queue's own hold that is not --hold, or
is short, what could not be read, and a broker that deletes the queue when it is idle.

With --json standard output has one JSON object: queue, policy (hold_ms,
max_attempts, dead_letter, retention_ms, dead_letter_retention_ms; 0 or empty when
not known, -1 without end), stats (ready, leased, delayed, dead; -1 when not known; null when they
could not be read), findings (each with severity, setting, native, problem, why,
fix), errors and warnings.

Exit codes: 0 nothing was found; 1 errors; 3 warnings only; 2 nothing was checked,
because a flag, the queue or the command is wrong, or the queue may not be read; 130
ended by a second signal.`

const doctorExample = `  longshore doctor --queue 'sqs://orders?region=eu-west-1' --max-attempts 5 --timeout 10m
  longshore doctor --queue "$(terraform output -raw url_declared)" --json`

func doctorCommand(std streams, code *int) *cobra.Command {
	o := new(doctorOptions)
	c := &cobra.Command{
		Use:     "doctor --queue URL",
		Short:   "Compare a queue's configuration with what a worker needs",
		Long:    doctorLong + queueURLs(),
		Example: doctorExample,
		Args:    noArgument("doctor", ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return doctor(ctx, o, driver.Default.Open, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.queue, "queue", "", "queue `URL`, for example sqs://orders?region=eu-west-1 (required)")
	f.IntVar(&o.maxAttempts, "max-attempts", runtime.DefaultMaxAttempts, "the worker's attempts before a task is buried, 1 to 1000")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "the worker's limit for one attempt; 0 for none")
	f.DurationVar(&o.hold, "hold", 0, "the hold that the queue is to have, and the worker has; 0 for the queue's own")
	f.BoolVar(&o.json, "json", false, "print what was found as JSON on standard output")
	return c
}

func (o *doctorOptions) check() error {
	switch {
	case o.queue == "":
		return usagef("for example --queue 'sqs://orders?region=eu-west-1'", "--queue is missing")
	case o.maxAttempts < 1 || o.maxAttempts > 1000:
		return usagef("", "--max-attempts %d is not within 1 to 1000", o.maxAttempts)
	case o.timeout < 0:
		return usagef("0 stands for no limit", "--timeout %v is negative", o.timeout)
	case o.hold < 0:
		return usagef("0 stands for the queue's own", "--hold %v is negative", o.hold)
	}
	return nil
}

// diagnosis is what --json prints. Its fields are stable.
type diagnosis struct {
	Queue    string       `json:"queue"`
	Policy   policyReport `json:"policy"`
	Stats    *statsReport `json:"stats"`
	Findings []finding    `json:"findings"`
	Errors   int          `json:"errors"`
	Warnings int          `json:"warnings"`
}

type policyReport struct {
	HoldMS                int64  `json:"hold_ms"`
	MaxAttempts           int    `json:"max_attempts"`
	DeadLetter            string `json:"dead_letter"`
	RetentionMS           int64  `json:"retention_ms"`
	DeadLetterRetentionMS int64  `json:"dead_letter_retention_ms"`
}

type statsReport struct {
	Ready   int64 `json:"ready"`
	Leased  int64 `json:"leased"`
	Delayed int64 `json:"delayed"`
	Dead    int64 `json:"dead"`
}

// doctor does what the flags say. It answers the exit code, or an error when it
// could check nothing.
func doctor(ctx context.Context, o *doctorOptions, open opener, std streams) (int, error) {
	d, err := examine(ctx, o, open)
	if err != nil {
		return exitUsage, &usageError{err, doctorHint(err)}
	}
	if o.json {
		err = writeJSON(std.out, d)
	} else {
		err = d.print(std.out)
	}
	switch {
	case err != nil:
		newScreen(std.err).printf("the output could not be written: %v", err)
		return exitFailed, nil
	case d.Errors > 0:
		return exitFailed, nil
	case d.Warnings > 0:
		return exitWarned, nil
	}
	return exitOK, nil
}

// doctorHint is what to do about a queue that cannot be read.
func doctorHint(err error) string {
	switch driver.CodeOf(err) {
	case driver.NotFound:
		return "check name, region and account; it may not have been made yet"
	case driver.PermissionDenied:
		return "allow it, or declare the configuration in the queue URL"
	case driver.Unavailable:
		return "check the network, the region and the endpoint"
	}
	return ""
}

// examine reads the queue's configuration and finds what is wrong with it.
func examine(ctx context.Context, o *doctorOptions, open opener) (*diagnosis, error) {
	flags := workerFlags{maxAttempts: o.maxAttempts, timeout: o.timeout}
	queues, policy, drift, err := readPolicy(ctx, o.queue, open, flags.retry())
	if err != nil {
		return nil, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	q := queues.All()[0]
	mux := runtime.NewMux(nil)
	mux.HandleAny(func(context.Context, *runtime.Info) error { return nil }, flags.handleOptions()...)
	w, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Hold: o.hold})
	if err != nil {
		return nil, err
	}
	refused, err := w.Check(ctx)
	if err != nil {
		return nil, err
	}
	scheme, _, _ := strings.Cut(strings.ToLower(o.queue), "://")
	d := &diagnosis{Queue: q.Name, Policy: newPolicyReport(policy), Findings: []finding{}}
	for _, f := range refused {
		drift = append(drift, finding{Severity: severe, Setting: f.Setting, Problem: f.Problem, Why: f.Why, Fix: f.Fix})
	}
	for _, f := range append(drift, doubts(policy, o.hold)...) {
		f.Native = nativeName(scheme, f.Setting)
		d.Findings = append(d.Findings, f)
		if f.Severity == severe {
			d.Errors++
		} else {
			d.Warnings++
		}
	}
	if s, err := q.Driver.Stats(ctx); err == nil {
		d.Stats = &statsReport{s.Ready, s.Leased, s.Delayed, s.Dead}
	}
	return d, nil
}

// readPolicy opens a queue and reads its configuration. A queue that differs from
// what its URL declares is opened without the declarations, and the differences
// are findings.
func readPolicy(ctx context.Context, url string, open opener, retry *runtime.RetryPolicy) (*runtime.Queues, *driver.Policy, []finding, error) {
	read := func(url string) (*runtime.Queues, *driver.Policy, error) {
		queues, err := openQueues(ctx, open, url, "longshore doctor", retry)
		if err != nil {
			return nil, nil, err
		}
		policy, err := queues.All()[0].Driver.Policy(ctx)
		if err != nil {
			return nil, nil, errors.Join(err, queues.Close(context.WithoutCancel(ctx)))
		}
		return queues, &policy, nil
	}
	queues, policy, err := read(url)
	bare, said := cutDeclared(url)
	_, malformed := errors.AsType[*usageError](err)
	if malformed || !driver.Is(err, driver.InvalidArgument) || said.empty() {
		return queues, policy, nil, err
	}
	queues, policy, bareErr := read(bare)
	if bareErr != nil {
		return nil, nil, nil, err
	}
	drift := said.differences(policy)
	if len(drift) == 0 { // it was something else
		return nil, nil, nil, errors.Join(err, queues.Close(context.WithoutCancel(ctx)))
	}
	return queues, policy, drift, nil
}

func newPolicyReport(p *driver.Policy) policyReport {
	return policyReport{
		HoldMS: p.Hold.Milliseconds(), MaxAttempts: p.MaxAttempts, DeadLetter: p.DeadLetterTarget,
		RetentionMS: milliseconds(p.Retention), DeadLetterRetentionMS: milliseconds(p.DeadLetterRetention),
	}
}

// milliseconds is d, or -1 when it has no end.
func milliseconds(d time.Duration) int64 {
	if d == driver.Unlimited {
		return -1
	}
	return d.Milliseconds()
}

// print prints the diagnosis for people.
func (d *diagnosis) print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "queue %s\n", escapeLine(d.Queue))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	p := &d.Policy
	limit, dead := "unknown", "none"
	if p.MaxAttempts > 0 {
		limit = count(p.MaxAttempts, "delivery")
	}
	if p.DeadLetter != "" {
		dead = escapeLine(p.DeadLetter)
	}
	fmt.Fprintf(w, "  hold\t%s\n  attempt limit\t%s\n  dead letter\t%s\n", span(p.HoldMS), limit, dead)
	fmt.Fprintf(w, "  retention\t%s\n  dead-letter retention\t%s\n", span(p.RetentionMS), span(p.DeadLetterRetentionMS))
	if s := d.Stats; s != nil {
		fmt.Fprintf(w, "  messages\t%s ready, %s leased, %s delayed, %s dead\n", number(s.Ready), number(s.Leased), number(s.Delayed), number(s.Dead))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range d.Findings {
		fmt.Fprintf(&b, "%s\n", escapeLine(d.Findings[i].line()))
	}
	if len(d.Findings) == 0 {
		b.WriteString("nothing is wrong with it\n")
	} else {
		fmt.Fprintf(&b, "%s, %s\n", count(d.Errors, "error"), count(d.Warnings, "warning"))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// span is a time for people.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case ms < 0:
		return "without end"
	case ms == 0:
		return "unknown"
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

// number is a count that may not be known.
func number(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return commas(int(n))
}
