package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// maxSendDelay is the longest --delay: that of a client which does not say.
const maxSendDelay = 24 * time.Hour

// sendOptions are the flags of longshore send.
type sendOptions struct {
	queueFlags
	kind, contentType          string
	id, group, fairness, dedup string
	delay, ttl                 time.Duration
	attributes                 []string
	file, failed               string
	lines, json                bool

	data  string // the argument
	given bool   // it is there
}

const sendLong = `Send a task to a queue, where a worker of any program does it: DATA, or what is in
--file, or what comes on standard input. With --lines each line of those is a
task.

The data is JSON, as the typed handlers of Go programs take it, unless
--content-type says something else, such as text/plain. Data that is not JSON
then is refused. Empty lines are skipped, and count in line numbers only; the
newline at the end of a line is no part of it.

On standard output stands the task's id; with --lines nothing; with --json one
object: read, sent, refused (the queue cannot take such a task), failed (the
queue cannot be used, or did not answer for it, so it may have been sent),
elapsed_ms, and the id without --lines.

Lines that were not sent are written to the --failed file, one JSON object a line:
line, id, payload (payload_base64 if it is not UTF-8), reason (refused or
not-enqueued), attempts (0), error; of a line over the queue's limit only the
first KiB, with truncated: true. Reading stops when the queue does not answer for
a line within 30 s. To send such a line again as the same task:
  longshore send --id ID ...
` + telemetryHelp + `
TRACEPARENT and TRACESTATE say which trace the tasks are part of.

SIGINT (Ctrl-C) or SIGTERM stops reading, and what is under way is sent. A second
one ends at once.

Exit codes: 0 all is sent; 1 some is not, or output could not be written; 2
nothing was sent, because a flag, the data, the queue or the command is wrong; 130
ended by a second signal.`

const sendExample = `  longshore send --queue 'sqs://mails?region=eu-west-1' --kind mail.send '{"to":"ann@example.com"}'
  longshore send --queue sqs://thumbs --kind thumb --content-type text/plain --lines < images.txt`

func sendCommand(std streams, code *int) *cobra.Command {
	o := new(sendOptions)
	c := &cobra.Command{
		Use:     "send (--queue URL | --config FILE) --kind KIND [DATA]",
		Short:   "Send tasks to a queue",
		Long:    sendLong + queueURLs(),
		Example: sendExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("quote data that has spaces, or use --lines for several tasks", "send takes one argument, but got %d: %q and %q", len(args), args[0], args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.data, o.given = args[0], true
			}
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			ctx, again, stop := watchSignals(c.Context())
			defer stop()
			var err error
			*code, err = send(ctx, again, o, std)
			return err
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.add(c, "queue `URL`, for example "+exampleURL, "that of the kind's route, else its default_queue, or its only one")
	o.addPayloads(c)
	f.StringVar(&o.kind, "kind", "", "kind of the tasks, by which a worker knows what to do (required)")
	f.StringVar(&o.contentType, "content-type", runtime.JSON.ContentType(), "media `type` of the data")
	f.StringVar(&o.file, "file", "", "`file` to read the data from; - for standard input")
	f.BoolVar(&o.lines, "lines", false, "make a task of each line")
	f.StringVar(&o.id, "id", "", "the task's own id, to send it again as the same task; not with --lines")
	f.DurationVar(&o.delay, "delay", 0, "how long the tasks wait before they run, up to 24h")
	f.DurationVar(&o.ttl, "ttl", 0, "time from now after which a task is buried as expired; 0 for none")
	f.StringVar(&o.group, "group", "", "`key` of tasks that run one at a time and in order, on a queue that orders")
	f.StringVar(&o.fairness, "fairness", "", "`key` of whose tasks these are, on a queue that is fair")
	f.StringVar(&o.dedup, "dedup", "", "`key` by which the queue drops the task if it saw it before; not with --lines")
	f.StringArrayVar(&o.attributes, "attribute", nil, "`NAME=VALUE` that the messages carry; may be given several times")
	f.StringVar(&o.failed, "failed", "", "`file` for lines that were not sent (default "+defaultFailed+")")
	f.BoolVar(&o.json, "json", false, "print what was sent as JSON on standard output")
	return c
}

// check refuses flags that are missing, contradict or are out of range. What
// depends on the queue is the runtime's to refuse.
func (o *sendOptions) check(given func(flag string) bool) error {
	if err := o.checkOne(given); err != nil {
		return err
	}
	switch {
	case o.kind == "":
		return usagef("for example --kind mail.send", "--kind is missing")
	case o.contentType == "":
		return usagef("for example text/plain", "--content-type is empty")
	case o.given && o.lines:
		return usagef("pipe the lines into it, or use --file", "--lines reads lines, but data is given")
	case o.given && given("file"):
		return usagef("leave one out", "data and --file are both given")
	case given("file") && o.file == "":
		return usagef("- stands for standard input", "--file is empty")
	case given("failed") && o.failed == "":
		return usagef("", "--failed is empty")
	case given("failed") && !o.lines:
		return usagef("leave it out", "--failed is for --lines")
	case o.lines && given("id"):
		return usagef("leave one out", "--id is for one task, and --lines makes several")
	case o.lines && given("dedup"):
		return usagef("leave one out", "--dedup would have the queue drop all lines but the first")
	case o.delay < 0:
		return usagef("", "--delay %v is negative", o.delay)
	case o.delay > maxSendDelay:
		return usagef("", "--delay %v exceeds %v", o.delay, maxSendDelay)
	case o.ttl < 0:
		return usagef("0 stands for no limit", "--ttl %v is negative", o.ttl)
	}
	for name, value := range map[string]string{"id": o.id, "group": o.group, "fairness": o.fairness, "dedup": o.dedup} {
		if !given(name) {
			continue
		}
		if err := driver.CheckKey(value); err != nil {
			return usagef("", "--%s: %w", name, err)
		}
	}
	_, err := o.attributeMap()
	return err
}

func (o *sendOptions) attributeMap() (map[string]string, error) {
	const hint = "for example --attribute tenant=blue"
	attributes := make(map[string]string)
	for _, pair := range o.attributes {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return nil, usagef(hint, "--attribute %q is not NAME=VALUE", pair)
		}
		if _, dup := attributes[name]; dup {
			return nil, usagef(hint, "--attribute %s is given twice", name)
		}
		attributes[name] = value
	}
	return attributes, nil
}

// enqueueOptions are what the flags say about each task.
func (o *sendOptions) enqueueOptions() ([]runtime.EnqueueOption, error) {
	attributes, err := o.attributeMap()
	if err != nil {
		return nil, err
	}
	options := []runtime.EnqueueOption{
		runtime.Delay(o.delay), runtime.TTL(o.ttl), runtime.Group(o.group), runtime.Fairness(o.fairness), runtime.Dedup(o.dedup),
	}
	if o.id != "" {
		options = append(options, runtime.ID(runtime.TaskID(o.id)))
	}
	for name, value := range attributes {
		options = append(options, runtime.Attribute(name, value))
	}
	return options, nil
}

// send does what the flags say. It answers the exit code, or an error when it
// sent nothing. ctx ends it gently, again at once.
func send(ctx context.Context, again <-chan struct{}, o *sendOptions, std streams) (int, error) {
	s, err := newSender(ctx, o, std)
	if err != nil {
		return exitUsage, err
	}
	ctx = joinTrace(ctx, os.Getenv)
	return untilAgain(again, func() (int, error) {
		defer s.close(context.WithoutCancel(ctx))
		if o.lines {
			return s.sendLines(ctx)
		}
		return s.sendOne(ctx)
	}, s.sayAborted)
}
