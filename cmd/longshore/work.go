package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// workOptions are the flags of longshore work.
type workOptions struct {
	workerFlags
	kinds      []string
	raw        bool
	untilEmpty time.Duration
}

// rawKind is the kind of messages that are no tasks.
const rawKind = "raw"

const workLong = `Do the tasks of a queue with a command or a local server, until a signal or, with
--until-empty, until there are none. It does tasks that any program sent, with
retries and a dead letter. It refuses a queue on which it could not keep its
promises; longshore doctor says more about one.

It works on several queues when --queue is given several times, and with --config on
all queues of the file unless --queue names some. The file says how they share the
worker (weight, strict, concurrency, rate), how long tasks are leased (hold) and how
they are retried. --concurrency is in place of the file's concurrency of all queues
and, for a single queue, of that queue's own; --hold, --max-attempts and --backoff
are in place of what it says of each queue. What is not given stays as in the file.

With --exec CMD each task runs "sh -c CMD" with its data on its standard input and
LONGSHORE_ID, LONGSHORE_KIND, LONGSHORE_ATTEMPT and LONGSHORE_MAX_ATTEMPTS in its
environment. Its exit code decides: 0 is done, 65 is buried, any other is tried
again. With --http URL each task is posted to URL, and the status decides. longshore
run --help says the rest of both.

Tasks of all kinds are done, unless --kind names some: the others are put off for
at least a minute, for a worker that knows them, and buried at last. Messages that
are no tasks are buried as undecodable; with --raw they are tasks of kind "raw",
whose id is the broker's.

Each attempt that failed is one line on standard error. At the end stands how many
tasks succeeded, are dead, were interrupted (given back because the worker ended)
and were not settled (the queue did not take their end, so they run again).

With --json standard output has one JSON object a line, by their event:
  start      queues, a list of their names, and queue, when it is one
  failed     queue, id, kind, attempt, max_attempts, retry_in_ms, error
  dead       queue, id, kind, attempt, max_attempts, reason, error
  unsettled  queue, id, kind, attempt, max_attempts, error
  end        why (signal, empty, failed), succeeded, dead, interrupted, unsettled,
             attempts, retries, elapsed_ms
The id is empty for a message that is no task; then message_id is the broker's.
` + metricsHelp + `

SIGINT (Ctrl-C) or SIGTERM takes no more tasks and lets those that run end, for at
most --grace. A second one ends everything at once.

Exit codes: 0 it ended as it was told to; 1 tasks did not end within the grace, the
queue was lost, output could not be written or, with --until-empty, a task is dead
or was not settled; 2 nothing was done, because a flag, the queue or the command is
wrong; 130 ended by a second signal.`

const workExample = `  longshore work --queue 'sqs://thumbs?region=eu-west-1' --exec './thumbnail.sh' --concurrency 8
  longshore work --queue sqs://reports --http http://localhost:8080/reports --until-empty 1m --json
  longshore work --config longshore.yaml --exec './do.sh'`

func workCommand(std streams, code *int) *cobra.Command {
	o := new(workOptions)
	c := &cobra.Command{
		Use:     "work (--queue URL | --config FILE) (--exec CMD | --http URL)",
		Short:   "Do the tasks of queues",
		Long:    workLong + queueURLs(),
		Example: workExample,
		Args:    noArgument("work", "quote a command that has spaces: --exec 'wc -c'"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			ctx, again, stop := watchSignals(c.Context())
			defer stop()
			var err error
			*code, err = work(ctx, again, o, std)
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.add(c, "queue `URL`, for example "+exampleURL+"; may be given several times", "all")
	f.StringArrayVar(&o.kinds, "kind", nil, "`kind` of tasks to do; may be given several times (default all)")
	f.BoolVar(&o.raw, "raw", false, "do messages that are no tasks too")
	f.DurationVar(&o.untilEmpty, "until-empty", 0, "end once there was nothing to do for this `time`, at least 1s, and all queues say that they have nothing: no delayed task and none that another worker holds")
	f.BoolVar(&o.json, "json", false, "print what happens as JSON on standard output")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the worker's log")
	return c
}

// check refuses flags that are missing, contradict or are out of range.
func (o *workOptions) check(given func(flag string) bool) error {
	if err := o.workerFlags.check(exampleURL, given); err != nil {
		return err
	}
	switch {
	case given("until-empty") && o.untilEmpty < time.Second:
		return usagef("", "--until-empty %v is below 1s", o.untilEmpty)
	case slices.Contains(o.kinds, ""):
		return usagef("", "--kind is empty")
	}
	return nil
}

// mux does the tasks that the flags name with h.
func (o *workOptions) mux(logger *slog.Logger, payloads *runtime.Payloads, t *runtime.Telemetry, h runtime.HandlerFunc) *runtime.Mux {
	options := &runtime.MuxOptions{Logger: logger, Payloads: payloads, Telemetry: t}
	kinds := o.kinds
	if o.raw {
		options.RawKind = rawKind
	}
	mux := runtime.NewMux(options)
	if len(kinds) == 0 {
		mux.HandleAny(h, o.handleOptions()...)
		return mux
	}
	if o.raw && !slices.Contains(kinds, rawKind) {
		kinds = append(slices.Clip(kinds), rawKind)
	}
	for _, kind := range kinds {
		mux.HandleRaw(kind, h, o.handleOptions()...)
	}
	return mux
}

// work does what the flags say. It answers the exit code, or an error when it did
// nothing. ctx ends it gently, again at once.
func work(ctx context.Context, again <-chan struct{}, o *workOptions, std streams) (int, error) {
	if err := o.resolve(); err != nil {
		return exitUsage, err
	}
	o.override()
	s := newShift(o, std)
	if err := s.observe(ctx); err != nil {
		return exitUsage, err
	}
	defer s.telemetry.close(again)
	handle, err := s.handler(ctx)
	if err != nil {
		return exitUsage, err
	}
	if err := s.open(ctx, byURL, handle); err != nil {
		return exitUsage, err
	}
	return s.run(ctx, again)
}
