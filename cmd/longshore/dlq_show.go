package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// showOptions are the flags of longshore dlq show.
type showOptions struct {
	queueFlags
	id   string
	json bool
}

const showLong = `Show one dead letter in full: why and when it died, what its copies carried, its
attributes, and its body as the broker keeps it. It leases dead letters until it has
found that one, at most 1,000, and gives them back; meanwhile nobody else gets them,
and the broker counts one more receive of each.

The id is the task's, or the broker's for what is no task: longshore dlq list shows
it. What could control a terminal is escaped: a newline in a line is \n, an escape
character \x1b. With --json the body is whole and exact.

A payload that is not in the body as it is, because it is in a store or compressed, is
shown as well with --payloads, or with --config when the file has payloads. What keeps it
from being read is said on standard error.

With --json standard output has one JSON object: all that longshore dlq list has of a
letter, and queue (that it died on), sent_at (null when not known), hops, snoozes,
first_error, ignore_expiry, group, fairness, attributes, defect (why a reserved
attribute does not decode, or empty), body, or body_base64 when it is not UTF-8, and of a
payload that is elsewhere or compressed payload, or payload_base64, and dataref, the
reference to it.

Exit codes: 0 it is shown; 1 there is no such dead letter, it was interrupted, or
output could not be written; 2 nothing was looked at, because a flag, the queue or
the command is wrong; 130 ended by a second signal.`

func dlqShowCommand(std streams, code *int) *cobra.Command {
	o := new(showOptions)
	c := &cobra.Command{
		Use:     "show (--queue URL | --config FILE) --id ID",
		Short:   "Show one dead letter in full",
		Long:    showLong + queueURLs(),
		Example: `  longshore dlq show --queue 'sqs://orders?region=eu-west-1' --id 0197c0de-1c1c-7e5f-b0f8-4f6f4a0f3a52`,
		Args:    noArgument("dlq show", "for example --id ID"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return showLetter(ctx, o, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.queueFlags.add(c, "`URL` of the queue that it died on, for example "+exampleURL, defaultOfFile)
	o.addPayloads(c)
	f.StringVar(&o.id, "id", "", "the task's `id`, or the message's (required)")
	f.BoolVar(&o.json, "json", false, "print it as JSON on standard output")
	return c
}

func (o *showOptions) check(given func(flag string) bool) error {
	if err := o.checkOne(given); err != nil {
		return err
	}
	if o.id == "" {
		return usagef("longshore dlq list shows the ids", "--id is missing")
	}
	return nil
}

// wholeLetter is what --json prints. Its fields are stable.
type wholeLetter struct {
	letter
	Queue        string            `json:"queue"`
	SentAt       *time.Time        `json:"sent_at"` // null when nobody knows
	Hops         int               `json:"hops"`
	Snoozes      int               `json:"snoozes"`
	FirstError   string            `json:"first_error"`
	IgnoreExpiry bool              `json:"ignore_expiry"`
	Group        string            `json:"group"`
	Fairness     string            `json:"fairness"`
	Attributes   map[string]string `json:"attributes"`
	Defect       string            `json:"defect"`
	// Body is that of the message where it is valid UTF-8, else BodyBase64 is.
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"body_base64,omitempty"`
	// DataRef refers to the payload where that is in a store. Payload, or PayloadBase64,
	// is there when it was read, or decompressed.
	DataRef       string `json:"dataref,omitempty"`
	Payload       string `json:"payload,omitempty"`
	PayloadBase64 []byte `json:"payload_base64,omitempty"`
}

func newWholeLetter(d *runtime.DeadTask, now time.Time) *wholeLetter {
	m := &d.Message
	w := &wholeLetter{
		letter: newLetter(d, now), Queue: d.Death.Queue, SentAt: known(m.SentAt),
		Hops: m.Carry.Hops, Snoozes: m.Carry.Snoozes, FirstError: m.Carry.FirstError, IgnoreExpiry: m.Carry.IgnoreExpiry,
		Group: m.GroupKey, Fairness: m.FairnessKey, Attributes: map[string]string{},
	}
	maps.Copy(w.Attributes, m.Attributes)
	if m.Defect != nil {
		w.Defect = m.Defect.Error()
	}
	w.DataRef = d.DataRef
	w.Body, w.BodyBase64 = textOrBytes(m.Body)
	return w
}

// textOrBytes is data as text where it is that.
func textOrBytes(data []byte) (string, []byte) {
	if utf8.Valid(data) {
		return string(data), nil
	}
	return "", slices.Clone(data)
}

// addPayload adds a payload that is not in the body as it is.
func (l *wholeLetter) addPayload(ctx context.Context, p *runtime.Payloads, m *driver.Message) error {
	if p == nil {
		return nil
	}
	data, _, err := p.Read(ctx, m)
	if err == nil && !bytes.Contains(m.Body, data) {
		l.Payload, l.PayloadBase64 = textOrBytes(data)
	}
	if driver.Is(err, driver.InvalidArgument) && l.DataRef == "" {
		return nil // it is no task
	}
	return err
}

// showLetter does what the flags say. It answers the exit code, or an error when
// it could not look.
func showLetter(ctx context.Context, o *showOptions, std streams) (int, error) {
	queues, err := o.openOne(ctx, byURL, "", "longshore dlq show")
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	payloads, store, err := o.openPayloads(ctx)
	if err != nil {
		return exitUsage, err
	}
	defer store.Close()
	if payloads != nil {
		payloads = forReading(payloads)
	}
	screen := newScreen(std.err)
	var found *wholeLetter
	var message driver.Message
	now := time.Now()
	report, err := look(ctx, queues, func(d *runtime.DeadTask) bool {
		if string(d.ID) == o.id || d.MessageID == o.id {
			found, message = newWholeLetter(d, now), d.Message
		}
		return found != nil
	}, nil)
	switch {
	case found != nil:
		if err != nil {
			screen.printf("%v", err)
		}
	case err != nil && report.Examined == 0 && wasNotSent(err):
		return exitUsage, &usageError{err, ""}
	case err != nil:
		screen.printf("%v", err)
		return exitFailed, nil
	default:
		screen.printf("there is no dead letter with the id %q among %s; the search ended because: %s", o.id, count(report.Examined, "dead letter"), report.Reason)
		return exitFailed, nil
	}
	if err := found.addPayload(ctx, payloads, &message); err != nil {
		screen.printf("its payload cannot be read: %v", err)
	}
	if o.json {
		err = writeJSON(std.out, found)
	} else {
		err = found.print(std.out)
	}
	if err != nil {
		screen.printf("the output could not be written: %v", err)
		return exitFailed, nil
	}
	return exitOK, nil
}

// print prints it for people.
func (l *wholeLetter) print(to io.Writer) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, escapeLine(value))
		}
	}
	number := func(name string, n int) {
		if n > 0 {
			field(name, commas(n))
		}
	}
	field("id", cmp.Or(string(l.ID), "none: it is no task"))
	field("message", l.MessageID)
	field("kind", l.Kind)
	field("reason", cmp.Or(l.Reason, "unknown"))
	field("detail", l.Detail)
	if l.Attempts > 0 {
		field("attempts", commas(l.Attempts))
	} else {
		field("attempts", "unknown")
	}
	field("died", when(l.DiedAt))
	field("on queue", l.Queue)
	field("enqueued", when(l.EnqueuedAt))
	field("sent", when(l.SentAt))
	field("age", l.age())
	number("redrives", l.Redrives)
	number("hops", l.Hops)
	number("snoozes", l.Snoozes)
	field("first error", l.FirstError)
	if l.IgnoreExpiry {
		field("expiry", "ignored, as it was redriven")
	}
	field("group", l.Group)
	field("fairness", l.Fairness)
	field("defect", l.Defect)
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		field("attribute "+escapeLine(name), l.Attributes[name])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	printText(&b, "body", cmp.Or(l.Body, string(l.BodyBase64)))
	if payload := cmp.Or(l.Payload, string(l.PayloadBase64)); payload != "" {
		printText(&b, "payload", payload)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func printText(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "%s, %s:\n", name, count(len(text), "byte"))
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "  %s\n", escape(strings.TrimSuffix(line, "\n"), "\t"))
	}
}

// when is a time for people; it may be nil.
func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

// look shows dead letters to see, one after the other, until it says that it has
// seen enough or there are no more, and gives all back. The report is that of a
// redrive which moves none.
func look(ctx context.Context, queues *runtime.Queues, see func(*runtime.DeadTask) (enough bool), progress func(runtime.RedriveReport)) (runtime.RedriveReport, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	q := queues.All()[0]
	enough := false
	report, err := runtime.Redrive(ctx, queues, q.Name, &runtime.RedriveOptions{
		Hold: holdFor(q.Driver.Capabilities()), Progress: progress,
		Match: func(d runtime.DeadTask) bool {
			if !enough && see(&d) {
				enough = true
				stop(errEnough)
			}
			return false
		},
	})
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errEnough):
		report.Reason, err = errEnough.Error(), nil
	case report.Complete:
		report.Reason = "there are no more that were dead when it began"
	}
	if what := errors.Unwrap(err); what != nil {
		err = what // without that it is a redrive, which nobody asked for
	}
	return report, err
}
