package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
)

// runOptions are the flags of longshore run.
type runOptions struct {
	workerFlags
	kind, failed string
}

const runLong = `Make a task of each line of standard input, send it through a queue, and have a
command or a local server do it, with retries and a dead letter. It ends when
every line has succeeded or is dead, and accounts for each.

A line is passed on as it is, without its newline. Empty lines are skipped and
count nowhere, except in line numbers. Lines are read while others are worked
on, at most 10,000 or 64 MiB ahead. A line too long for the queue (about 760 KiB
on mem, as a task's bytes travel in base64) is reported by its number, counted as
dead with reason "refused", and the rest goes on.

With --exec CMD each task runs "sh -c CMD" with the line on its standard input
and LONGSHORE_ID, LONGSHORE_KIND, LONGSHORE_ATTEMPT and LONGSHORE_MAX_ATTEMPTS in
its environment. Its exit code decides:
  0      the task is done
  65     it is buried: no retry can help
  75     it is tried again
  other  it is tried again
The end of its standard error, up to 4 KiB, is the error. Its standard output is
passed on in whole lines (to standard error with --json). It runs in its own
process group, which gets SIGTERM when its time is over or this program ends,
and SIGKILL 5 s later. What it leaves running in that group is killed.

With --http URL each task is posted to URL, with the headers Longshore-Id,
Longshore-Kind, Longshore-Attempt and Longshore-Max-Attempts. The status decides:
  2xx          the task is done
  408, 425, 429 and 503
               it is tried again, after Retry-After if there is one (at most 24h)
  3xx and 4xx  it is buried: redirects are not followed
  5xx          it is tried again, as when there is no answer

Each line that is dead or unfinished at the end is written to the --failed file,
one JSON object a line: line, id, payload (payload_base64 if it is not UTF-8),
reason, attempts, error; of a line over the queue's whole limit, which is 1 MiB on
mem, only the first KiB, with truncated: true. A file that exists is never written
to: without --failed a number is added to the name, with it the run refuses to
start. To try again those that are text and complete:
  jq -r 'select(.payload and (.truncated | not)).payload' FILE | longshore run ...
On another queue than mem:// that is for lines with the reason refused or
not-enqueued only: the tasks of
the others are still on the queue, or in its dead letter, and would run twice. Do
those with longshore work, or redrive them.

With --config the lines go through a queue of the file: that of --queue, else of the
route of --kind, else its default_queue, or its only one. What the file says of that
queue counts (hold, retry, rate) where no flag says otherwise; --concurrency is in
place of its concurrency.
` + metricsHelp + `

SIGINT (Ctrl-C) or SIGTERM stops reading and lets running tasks end, for at most
--grace. A second one ends everything at once.

Exit codes: 0 all succeeded; 1 some are dead or unfinished, the input was not
read to its end, or output could not be written; 2 nothing was done, because a
flag, the queue or the command is wrong; 130 ended by a second signal.`

const runExample = `  git ls-files | longshore run --queue mem://files --exec 'xargs wc -l'
  longshore run --queue mem://jobs --http http://localhost:8080/tasks < jobs.jsonl`

// queueURLs is the reference of queue URLs, as the drivers give it.
func queueURLs() string {
	var b strings.Builder
	b.WriteString("\n\nQueue URLs and their parameters:")
	for _, s := range driver.Default.Schemes() {
		fmt.Fprintf(&b, "\n  %s", s.Example)
		for _, p := range s.Params {
			fmt.Fprintf(&b, "\n    %-13s %s", p.Name, p.Doc)
		}
	}
	return b.String()
}

func runCommand(std streams, code *int) *cobra.Command {
	o := new(runOptions)
	c := &cobra.Command{
		Use:     "run (--queue URL | --config FILE) (--exec CMD | --http URL)",
		Short:   "Make a task of each input line and do them all",
		Long:    runLong + queueURLs(),
		Example: runExample,
		Args:    noArgument("run", "quote a command that has spaces: --exec 'wc -c'"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			if isTerminal(std.in) {
				return usagef("for example: git ls-files | longshore run ...", "standard input is a terminal; pipe the lines into it")
			}
			ctx, again, stop := watchSignals(c.Context())
			defer stop()
			var err error
			*code, err = run(ctx, again, o, std)
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.add(c, "queue `URL`, for example mem://files?hold=1m", "that of the kind's route, else its default_queue, or its only one")
	f.StringVar(&o.kind, "kind", "line", "kind of the tasks")
	f.StringVar(&o.failed, "failed", "", "`file` for lines that are dead or unfinished (default "+defaultFailed+")")
	f.BoolVar(&o.json, "json", false, "print the accounting as JSON on standard output")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print each attempt that failed, and the worker's log")
	return c
}

// check refuses flags that are missing, contradict or are out of range.
func (o *runOptions) check(given func(flag string) bool) error {
	if err := o.workerFlags.check("mem://files", given); err != nil {
		return err
	}
	if given("failed") && o.failed == "" {
		return usagef("", "--failed is empty")
	}
	return o.checkOne(given)
}

// run does what the flags say. It answers the exit code, or an error when it did
// nothing. ctx ends the run gently, again at once.
func run(ctx context.Context, again <-chan struct{}, o *runOptions, std streams) (int, error) {
	if err := o.resolveOne(o.kind); err != nil {
		return exitUsage, err
	}
	o.override()
	j, err := newJob(o, std)
	if err != nil {
		return exitUsage, err
	}
	if err := j.observe(ctx); err != nil {
		return exitUsage, err
	}
	defer j.telemetry.close(again)
	handle, err := j.handler(ctx)
	if err != nil {
		return exitUsage, err
	}
	if err := j.open(ctx, handle); err != nil {
		return exitUsage, err
	}
	return j.run(ctx, again)
}
