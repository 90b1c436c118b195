package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// exitWarned says that a doctor found nothing worse than warnings.
const exitWarned = 3

// doctorOptions are the flags of longshore doctor.
type doctorOptions struct {
	queueFlags
	maxAttempts int
	timeout     time.Duration
	hold        time.Duration
	push        bool // nothing pulls from the queues; they are pushed
	json        bool

	given func(flag string) bool // nil: all are; set by check
}

const doctorLong = `Compare how a queue is really configured with what a worker needs, and say what
is wrong, why it matters and what to do. It changes nothing, and receives nothing.
Give it the values that the worker has.

--queue may be given several times. With --config it looks at all queues of the file
unless --queue names some, and takes from the file what no flag says: the hold and
the retries of each queue, and what is declared of it.

Errors are what a worker refuses to start on: no dead letter or one that nobody can
read, a broker that would bury tasks which have attempts left, a hold or timeout
that does not fit, a dead letter that forgets before its queue does. A queue URL may
declare the configuration, as the output url_declared of the Terraform module for
Amazon SQS does; then every difference is an error too, so that a change behind
Terraform's back is named.

Where --payloads or the file names a store of large payloads, a worker must be able to
read from it as well: what keeps this program from that is an error of each queue, with
the setting payloads.

With --push it looks at queues of Google Pub/Sub whose subscription pushes, and says
what a program with package pushentry refuses to start on: the subscription must have
a retry policy, which a worker does not take, and its ack deadline must leave more
than --timeout for a handler. Leave --timeout out where no handler has one.

Warnings are what a worker can live with: a queue's own hold that is not the one
wanted, or is short, what could not be read, what the file declares and is not so, and
a broker that deletes the queue when it is idle.

With --json standard output has one JSON object a line, one for each queue: queue,
policy (hold_ms, max_attempts, dead_letter, retention_ms, dead_letter_retention_ms; 0
or empty when not known, -1 without end; null when it could not be read), stats
(ready, leased, delayed, dead; -1 when not known; null when they could not be read),
findings (each with severity, setting, native where the broker has a name for it,
problem, why, fix), errors and warnings.

Exit codes: 0 nothing was found; 1 errors, also that one of several queues may not be
read, or it was interrupted; 3 warnings only; 2 nothing was checked, because a flag,
the file, the queue or the command is wrong, or the only queue may not be read; 130
ended by a second signal.`

const doctorExample = `  longshore doctor --queue 'sqs://orders?region=eu-west-1' --max-attempts 5 --timeout 10m
  longshore doctor --queue "$(terraform output -raw url_declared)" --json
  longshore doctor --queue pubsub://my-project/orders --push
  longshore doctor --config longshore.yaml`

func doctorCommand(std streams, code *int) *cobra.Command {
	o := new(doctorOptions)
	c := &cobra.Command{
		Use:     "doctor (--queue URL | --config FILE)",
		Short:   "Compare the configuration of queues with what a worker needs",
		Long:    doctorLong + queueURLs(),
		Example: doctorExample,
		Args:    noArgument("doctor", ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return doctor(ctx, o, byURL, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.add(c, "queue `URL`, for example "+exampleURL+"; may be given several times", "all")
	o.addPayloads(c)
	f.IntVar(&o.maxAttempts, "max-attempts", runtime.DefaultMaxAttempts, "the worker's attempts before a task is buried, 1 to 1000")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "the worker's limit for one attempt; 0 for none")
	f.DurationVar(&o.hold, "hold", 0, "the hold that the queue is to have, and the worker has; 0 for the queue's own")
	f.BoolVar(&o.push, "push", false, "the queues are pushed by Google Pub/Sub, and no worker pulls from them")
	f.BoolVar(&o.json, "json", false, "print what was found as JSON on standard output")
	return c
}

func (o *doctorOptions) check(given func(flag string) bool) error {
	o.given = given
	switch {
	case o.maxAttempts < 1 || o.maxAttempts > 1000:
		return usagef("", "--max-attempts %d is not within 1 to 1000", o.maxAttempts)
	case o.timeout < 0:
		return usagef("0 stands for no limit", "--timeout %v is negative", o.timeout)
	case o.hold < 0:
		return usagef("0 stands for the queue's own", "--hold %v is negative", o.hold)
	case o.push && given("hold"):
		return usagef("a push is leased for the ack deadline of its subscription", "--push and --hold are both given")
	}
	if o.push && !given("timeout") {
		o.timeout = 0
	}
	return o.queueFlags.check(exampleURL, given)
}

// doctor does what the flags say. It answers the exit code, or an error when it
// could check nothing.
func doctor(ctx context.Context, o *doctorOptions, open opener, std streams) (int, error) {
	flags := &workerFlags{queueFlags: o.queueFlags, maxAttempts: o.maxAttempts, timeout: o.timeout, hold: o.hold, given: o.given}
	if err := flags.resolve(); err != nil {
		return exitUsage, err
	}
	flags.override()
	refuse := workerRefuses
	if o.push {
		if err := refusePush(flags.settings); err != nil {
			return exitUsage, err
		}
		for i := range flags.settings {
			flags.settings[i].Hold = 0 // a worker's
		}
		refuse = pushRefuses
	}
	store, err := flags.examineStore(ctx)
	if err != nil {
		return exitUsage, err
	}
	worst := exitOK
	for i := range flags.settings {
		s := &flags.settings[i]
		d, err := examine(ctx, flags, s, open, refuse)
		select {
		case <-ctx.Done():
			newScreen(std.err).printf("it was interrupted before queue %q answered", s.Name)
			return exitFailed, nil
		default:
		}
		_, usage := errors.AsType[*usageError](err)
		switch {
		case usage:
			return exitUsage, err
		case err != nil && len(flags.settings) == 1:
			return exitUsage, &usageError{err, doctorHint(err)}
		case err != nil:
			d = unread(s.Name, err)
		}
		if store != nil {
			d.Findings, d.Errors = slices.Insert(d.Findings, 0, *store), d.Errors+1
		}
		if err := d.show(o.json, i > 0, std.out); err != nil {
			newScreen(std.err).printf("the output could not be written: %v", err)
			return exitFailed, nil
		}
		switch {
		case d.Errors > 0:
			worst = exitFailed
		case d.Warnings > 0 && worst == exitOK:
			worst = exitWarned
		}
	}
	return worst, nil
}

// doctorHint is what to do about a queue that cannot be read.
func doctorHint(err error) string {
	switch driver.CodeOf(err) {
	case driver.NotFound:
		return "check name, region and account; it may not have been made yet"
	case driver.PermissionDenied:
		return "allow it, or declare the configuration in the queue URL or the configuration file"
	case driver.Unavailable:
		return "check the network, the region and the endpoint"
	}
	return ""
}

// unread is the diagnosis of one of several queues, whose configuration cannot be
// read.
func unread(queue string, err error) *diagnosis {
	return &diagnosis{Queue: queue, Errors: 1, Findings: []finding{{
		Severity: severe, Setting: settingAccess, Problem: fmt.Sprintf("the configuration cannot be read: %v", err),
		Why: "a worker does not start on it", Fix: cmp.Or(doctorHint(err), "mend what the error says"),
	}}}
}

// refuser finds what keeps a program from starting on queues; hold is a worker's.
type refuser func(ctx context.Context, queues *runtime.Queues, mux *runtime.Mux, hold time.Duration) ([]runtime.Finding, error)

// examine reads the queue's configuration and finds what is wrong with it.
func examine(ctx context.Context, flags *workerFlags, s *runtime.QueueSettings, open opener, refuse refuser) (*diagnosis, error) {
	queues, policy, found, err := readPolicy(ctx, s, open)
	if err != nil {
		return nil, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	q := queues.All()[0]
	mux := runtime.NewMux(nil)
	mux.HandleAny(func(context.Context, *runtime.Info) error { return nil }, flags.handleOptions()...)
	refused, err := refuse(ctx, queues, mux, s.Hold)
	if err != nil {
		return nil, err
	}
	for _, f := range refused {
		found = append(found, finding{Severity: severe, Setting: f.Setting, Problem: f.Problem, Why: f.Why, Fix: f.Fix})
	}
	hold := s.Hold
	if hold > 0 && !flags.says("hold") {
		hold = policy.Hold // the file's is the worker's, and the queue's own may differ
	}
	found = append(found, doubts(policy, hold)...)
	slices.SortStableFunc(found, func(a, b finding) int { return strings.Compare(a.Severity, b.Severity) }) // errors, then warnings
	scheme, _, _ := strings.Cut(strings.ToLower(s.URL), "://")
	report := newPolicyReport(policy)
	d := &diagnosis{Queue: q.Name, Policy: &report, Findings: []finding{}}
	for _, f := range found {
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

// workerRefuses are the findings for which a worker does not start.
func workerRefuses(ctx context.Context, queues *runtime.Queues, mux *runtime.Mux, hold time.Duration) ([]runtime.Finding, error) {
	w, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Hold: hold})
	if err != nil {
		return nil, err
	}
	return w.Check(ctx)
}

// readPolicy opens a queue and reads its configuration, of which what the file
// declares stands in for what cannot be read. The findings are how it differs from
// what the file or the URL declares; a queue that differs from its URL is opened
// without the declarations.
func readPolicy(ctx context.Context, s *runtime.QueueSettings, open opener) (*runtime.Queues, *driver.Policy, []finding, error) {
	read := func(s runtime.QueueSettings) (*runtime.Queues, *driver.Policy, []finding, error) {
		queues, err := openQueues(ctx, open, []runtime.QueueSettings{s}, "longshore doctor")
		if err != nil {
			return nil, nil, nil, err
		}
		policy, err := queues.All()[0].Driver.Policy(ctx)
		found, err := complete(&policy, s.Declared, err)
		if err != nil {
			return nil, nil, nil, errors.Join(err, queues.Close(context.WithoutCancel(ctx)))
		}
		return queues, &policy, found, nil
	}
	queues, policy, found, err := read(*s)
	bare, said := cutDeclared(s.URL)
	if _, usage := errors.AsType[*usageError](err); usage || !driver.Is(err, driver.InvalidArgument) || said.empty() {
		return queues, policy, found, err
	}
	without := *s
	without.URL = bare
	queues, policy, found, bareErr := read(without)
	if bareErr != nil {
		return nil, nil, nil, err
	}
	drift := said.differences(policy, byItsURL)
	if len(drift) == 0 { // it was something else
		return nil, nil, nil, errors.Join(err, queues.Close(context.WithoutCancel(ctx)))
	}
	return queues, policy, append(drift, found...), nil
}

// complete fills what could not be read of a policy, as a worker does, from what the
// file declares, which may be nil. Err is that of reading.
func complete(p, inFile *driver.Policy, err error) ([]finding, error) {
	switch {
	case inFile == nil:
		return nil, err
	case driver.Is(err, driver.PermissionDenied) || driver.Is(err, driver.Unsupported):
		*p = *inFile
		return []finding{{
			Severity: doubtful, Setting: settingAccess, Problem: fmt.Sprintf("the configuration cannot be read (%v)", err),
			Why: "what the file declares stands in for it, and nobody notices when it is not so", Fix: "let this program read it",
		}}, nil
	case err != nil:
		return nil, err
	}
	said := declared{
		hold: inFile.Hold, maxReceives: inFile.MaxAttempts, deadLetter: inFile.DeadLetterTarget,
		retention: inFile.Retention, deadLetterRetention: inFile.DeadLetterRetention, retryDelay: inFile.RetryDelay,
	}
	found := said.differences(p, byItsFile)
	p.Hold = cmp.Or(p.Hold, inFile.Hold)
	p.MaxAttempts = cmp.Or(p.MaxAttempts, inFile.MaxAttempts)
	p.Retention = cmp.Or(p.Retention, inFile.Retention)
	p.DeadLetterRetention = cmp.Or(p.DeadLetterRetention, inFile.DeadLetterRetention)
	return found, nil
}
