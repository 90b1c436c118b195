package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// workerFlags are the flags of a command that does tasks.
type workerFlags struct {
	queueFlags
	exec, http                    string
	concurrency, maxAttempts      int
	timeout, backoff, hold, grace time.Duration
	metrics                       string
	json, verbose                 bool

	given func(flag string) bool // nil: all are; set by check
}

// maxBackoff is the longest wait between attempts.
const maxBackoff = 10 * time.Minute

// add adds all but --json and --verbose to a command. What and otherwise are those
// of queueFlags.add.
func (o *workerFlags) add(c *cobra.Command, what, otherwise string) {
	f := c.Flags()
	o.queueFlags.add(c, what, otherwise)
	o.addPayloads(c)
	f.StringVar(&o.exec, "exec", "", "shell `command` that does a task")
	f.StringVar(&o.http, "http", "", "`URL` that tasks are posted to")
	f.IntVar(&o.concurrency, "concurrency", 10, "tasks that run at a time, 1 to 100000")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "limit for one attempt; 0 for none")
	f.IntVar(&o.maxAttempts, "max-attempts", runtime.DefaultMaxAttempts, "attempts before a task is buried, 1 to 1000")
	f.DurationVar(&o.backoff, "backoff", time.Second, "longest wait before the second attempt; doubles with each, up to 10m")
	f.DurationVar(&o.hold, "hold", 0, "how long a task is leased before the lease is extended; 0 for the queue's own")
	addMetrics(c, &o.metrics)
	f.DurationVar(&o.grace, "grace", 30*time.Second, "how long running tasks may go on after Ctrl-C, at least 1s")
}

// check refuses flags that are missing, contradict or are out of range.
func (o *workerFlags) check(example string, given func(flag string) bool) error {
	o.given = given
	if err := o.queueFlags.check(example, given); err != nil {
		return err
	}
	switch {
	case given("exec") && given("http"):
		return usagef("leave one out", "--exec and --http are both given")
	case !given("exec") && !given("http"):
		return usagef("for example --exec 'wc -c'", "--exec or --http is missing")
	case o.concurrency < 1 || o.concurrency > 100_000:
		return usagef("", "--concurrency %d is not within 1 to 100000", o.concurrency)
	case o.maxAttempts < 1 || o.maxAttempts > 1000:
		return usagef("", "--max-attempts %d is not within 1 to 1000", o.maxAttempts)
	case o.timeout < 0:
		return usagef("0 stands for no limit", "--timeout %v is negative", o.timeout)
	case o.backoff < 0 || o.backoff > maxBackoff:
		return usagef("", "--backoff %v is not within 0s to %v", o.backoff, maxBackoff)
	case o.hold < 0:
		return usagef("0 stands for the queue's own", "--hold %v is negative", o.hold)
	case given("metrics") && o.metrics == "":
		return usagef(metricsHint, "--metrics is empty")
	case o.grace < time.Second:
		return usagef("", "--grace %v is below 1s", o.grace)
	}
	return nil
}

// says reports whether a flag counts. Without a file all do, and with one those
// that are given.
func (o *workerFlags) says(flag string) bool {
	return o.file == nil || o.given == nil || o.given(flag)
}

// override puts the flags that count into the settings of the queues, which have
// been resolved, and what the file says into those that do not.
func (o *workerFlags) override() {
	for i := range o.settings {
		s := &o.settings[i]
		s.Retry = o.retry(s.Retry)
		if o.says("hold") {
			s.Hold = o.hold
		}
		if o.says("concurrency") && len(o.settings) == 1 {
			s.Concurrency = 0
		}
	}
	if !o.says("concurrency") {
		o.concurrency = o.fromFile().Concurrency
	}
}

// fromFile is what the file says of a worker of the queues.
func (o *workerFlags) fromFile() *runtime.WorkerOptions {
	if o.file == nil {
		return new(runtime.WorkerOptions)
	}
	var names []string
	for i := range o.settings {
		names = append(names, o.settings[i].Name)
	}
	return o.file.WorkerOptions(names...)
}

// retry is a policy of the file, or nil, with what the flags say.
func (o *workerFlags) retry(p *runtime.RetryPolicy) *runtime.RetryPolicy {
	var changed runtime.RetryPolicy
	if p != nil {
		changed = *p
	}
	if o.says("max-attempts") {
		changed.MaxAttempts = o.maxAttempts
		if changed.MaxDeliveries < o.maxAttempts {
			changed.MaxDeliveries = 0
		}
	}
	if o.says("backoff") {
		changed.Backoff = runtime.Exponential(cmp.Or(o.backoff, time.Nanosecond), maxBackoff)
	}
	return &changed
}

// handleOptions are what the flags say about how a task is handled.
func (o *workerFlags) handleOptions() []runtime.HandleOption {
	if o.timeout == 0 {
		return nil
	}
	return []runtime.HandleOption{runtime.Timeout(o.timeout)}
}

// workerOptions are those of a worker of the queues.
func (o *workerFlags) workerOptions() *runtime.WorkerOptions {
	return &runtime.WorkerOptions{
		Concurrency: o.concurrency, Strict: o.fromFile().Strict, Hold: o.hold, Grace: o.grace,
	}
}
