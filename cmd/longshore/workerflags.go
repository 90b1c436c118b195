package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// workerFlags are the flags of a command that does tasks.
type workerFlags struct {
	queue, exec, http             string
	concurrency, maxAttempts      int
	timeout, backoff, hold, grace time.Duration
	json, verbose                 bool
}

// maxBackoff is the longest wait between attempts.
const maxBackoff = 10 * time.Minute

// add adds all but --json and --verbose to a command.
func (o *workerFlags) add(c *cobra.Command, queue string) {
	f := c.Flags()
	f.StringVar(&o.queue, "queue", "", "queue `URL`, for example "+queue+" (required)")
	f.StringVar(&o.exec, "exec", "", "shell `command` that does a task")
	f.StringVar(&o.http, "http", "", "`URL` that tasks are posted to")
	f.IntVar(&o.concurrency, "concurrency", 10, "tasks that run at a time, 1 to 100000")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "limit for one attempt; 0 for none")
	f.IntVar(&o.maxAttempts, "max-attempts", runtime.DefaultMaxAttempts, "attempts before a task is buried, 1 to 1000")
	f.DurationVar(&o.backoff, "backoff", time.Second, "longest wait before the second attempt; doubles with each, up to 10m")
	f.DurationVar(&o.hold, "hold", 0, "how long a task is leased before the lease is extended; 0 for the queue's own")
	f.DurationVar(&o.grace, "grace", 30*time.Second, "how long running tasks may go on after Ctrl-C, at least 1s")
}

// check refuses flags that are missing, contradict or are out of range.
func (o *workerFlags) check(queue string, given func(flag string) bool) error {
	switch {
	case o.queue == "":
		return usagef("for example --queue "+queue, "--queue is missing")
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
	case o.grace < time.Second:
		return usagef("", "--grace %v is below 1s", o.grace)
	}
	return nil
}

// retry is what the flags say about retries.
func (o *workerFlags) retry() *runtime.RetryPolicy {
	return &runtime.RetryPolicy{
		MaxAttempts: o.maxAttempts,
		Backoff:     runtime.Exponential(cmp.Or(o.backoff, time.Nanosecond), maxBackoff),
	}
}

// handleOptions are what the flags say about how a task is handled.
func (o *workerFlags) handleOptions() []runtime.HandleOption {
	options := []runtime.HandleOption{runtime.Retry(*o.retry())}
	if o.timeout > 0 {
		options = append(options, runtime.Timeout(o.timeout))
	}
	return options
}
