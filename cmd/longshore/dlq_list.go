package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// errEnough ends a look at dead letters.
var errEnough = errors.New("as many as were asked for")

// maxListed is how many dead letters can be looked at: as many as a redrive holds.
const maxListed = 1000

// listOptions are the flags of longshore dlq list.
type listOptions struct {
	queueFlags
	letterFilter
	max  int
	json bool
}

const listLong = `Show why tasks are dead. It leases the dead letters for a moment and gives them
back, at most 1,000; meanwhile nobody else gets them, and the broker counts one more
receive of each. On an empty dead letter it takes two seconds.

For each stand the task's id and kind, why it died, after how many attempts, how
long ago (in brackets: since it was enqueued or sent, where nobody knows), and the last
error. Of what is no task the id is the broker's.

Reasons are max-attempts, permanent, undecodable, unknown-kind, expired, crashed,
max-snoozes, dataref-missing, broker-limit (the broker put it there by itself), and
whatever an application buries with.

With --json standard output has one JSON object: letters, each with id, message_id,
kind, reason, detail, attempts, redrives, died_at, enqueued_at and age_ms; complete,
which is false when there may be more; and why it ended.

Exit codes: 0 they are shown, up to --max; 1 it was interrupted, failed on the way,
or output could not be written; 2 nothing was shown, because a flag, the queue or
the command is wrong; 130 ended by a second signal.`

func dlqListCommand(std streams, code *int) *cobra.Command {
	o := new(listOptions)
	c := &cobra.Command{
		Use:     "list (--queue URL | --config FILE)",
		Short:   "Show dead letters and why they died",
		Long:    listLong + queueURLs(),
		Example: `  longshore dlq list --queue 'sqs://orders?region=eu-west-1' --reason permanent --max 20`,
		Args:    noArgument("dlq list", "for example --id ID"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return listLetters(ctx, o, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.queueFlags.add(c, "`URL` of the queue that they died on, for example "+exampleURL, defaultOfFile)
	o.letterFilter.add(c)
	f.IntVar(&o.max, "max", 100, "the most to show, 1 to 1000")
	f.BoolVar(&o.json, "json", false, "print them as JSON on standard output")
	return c
}

func (o *listOptions) check(given func(flag string) bool) error {
	if err := o.checkOne(given); err != nil {
		return err
	}
	if o.max < 1 || o.max > maxListed {
		return usagef("", "--max %d is not within 1 to %d", o.max, maxListed)
	}
	return o.letterFilter.check()
}

// listing is what --json prints. Its fields are stable.
type listing struct {
	Letters  []letter `json:"letters"`
	Complete bool     `json:"complete"`
	Why      string   `json:"why"`
}

// listLetters does what the flags say. It answers the exit code, or an error when
// it showed nothing.
func listLetters(ctx context.Context, o *listOptions, std streams) (int, error) {
	queues, err := o.openOne(ctx, byURL, "", "longshore dlq list")
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	screen := newScreen(std.err)
	found, report, err := collect(ctx, queues, &o.letterFilter, o.max, nil)
	if err != nil && len(found) == 0 && wasNotSent(err) {
		return exitUsage, &usageError{err, ""}
	}
	code := exitOK
	if err != nil {
		code = exitFailed
		if o.json { // else it is why it ended
			screen.printf("%v", err)
		}
	}
	all := listing{found, report.Complete, report.Reason}
	if o.json {
		all.Letters = append([]letter{}, found...) // never null
		err = writeJSON(std.out, all)
	} else {
		err = all.table(std)
		screen.printf("%s; it ended because: %s", count(len(found), "dead letter"), report.Reason)
	}
	if err != nil {
		screen.printf("the output could not be written: %v", err)
		code = exitFailed
	}
	return code, nil
}

// table prints the letters for people.
func (all *listing) table(std streams) error {
	if len(all.Letters) == 0 {
		return nil
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tKIND\tREASON\tATTEMPTS\tAGE\tDETAIL")
	for i := range all.Letters {
		l := &all.Letters[i]
		attempts := "?"
		if l.Attempts > 0 {
			attempts = strconv.Itoa(l.Attempts)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n",
			escapeLine(cmp.Or(string(l.ID), l.MessageID)), escapeLine(cmp.Or(l.Kind, "-")), cmp.Or(l.Reason, "unknown"),
			attempts, l.age(), escapeLine(brief(l.Detail)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(std.out, b.String())
	return err
}

// age is for how long it is dead, else in brackets how long ago it was enqueued or
// sent.
func (l *letter) age() string {
	text := ageText(time.Duration(l.AgeMS) * time.Millisecond)
	switch {
	case l.DiedAt != nil:
		return text
	case l.hasAge:
		return "(" + text + ")"
	}
	return "?"
}

// ageText is an age for people.
func ageText(d time.Duration) string {
	if d = d.Round(time.Second); d >= 48*time.Hour {
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return d.String()
}
