package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// discardOptions are the flags of longshore dlq discard.
type discardOptions struct {
	queueFlags
	letterFilter
	max       int
	yes, json bool
}

const discardLong = `Delete dead letters for good: all, or those that --id, --kind, --reason, --older-than
and --younger-than choose. They cannot be brought back. It looks at what was dead when
it began. longshore dlq list with the same flags shows what would be deleted, and
dlq show with --json what one holds.

On a terminal it asks first. Without one, or with --json, it needs --yes.

What is not chosen is leased until the end, at most 1,000. So with many of them one
run may not see all: run it again.

One that was interrupted or failed can be run again: it deletes the rest. With --json
standard output has one JSON object: examined, discarded, kept, failed, complete
(nothing that was dead is left unexamined, and none failed) and reason, which is why
it ended.

SIGINT (Ctrl-C) or SIGTERM ends it after the batch under way, and gives back what it
holds. A second one ends it at once: what it holds comes back within 30 s.

Exit codes: 0 it did what it was told, also when --max was reached; 1 the answer was
no, something failed, it was interrupted, or output could not be written; 2 nothing
was done, because a flag, the queue or the command is wrong; 130 ended by a second
signal.`

const discardExample = `  longshore dlq discard --queue 'sqs://orders?region=eu-west-1' --reason expired --older-than 7d
  longshore dlq discard --queue sqs://orders --id 0197c0de-1c1c-7e5f-b0f8-4f6f4a0f3a52 --yes`

func dlqDiscardCommand(std streams, code *int) *cobra.Command {
	o := new(discardOptions)
	c := &cobra.Command{
		Use:     "discard (--queue URL | --config FILE)",
		Short:   "Delete dead letters for good",
		Long:    discardLong + queueURLs(),
		Example: discardExample,
		Args:    noArgument("dlq discard", "for example --id ID"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed, isTerminal(std.in) && isTerminal(std.err)); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return discard(ctx, o, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.queueFlags.add(c, "`URL` of the queue that they died on, for example "+exampleURL, defaultOfFile)
	o.letterFilter.add(c)
	f.IntVar(&o.max, "max", 0, "the most to delete; 0 for no limit")
	f.BoolVar(&o.yes, "yes", false, "delete them without asking")
	f.BoolVar(&o.json, "json", false, "print what was done as JSON on standard output")
	return c
}

// check refuses flags that are missing or out of range. canAsk says that there is
// somebody to ask.
func (o *discardOptions) check(given func(flag string) bool, canAsk bool) error {
	if err := o.checkOne(given); err != nil {
		return err
	}
	switch {
	case o.max < 0:
		return usagef("0 stands for no limit", "--max %d is negative", o.max)
	case !o.yes && (o.json || !canAsk):
		return usagef("longshore dlq list with the same flags shows what would be deleted", "--yes is missing, and there is nobody to ask")
	}
	return o.letterFilter.check()
}

// discarded is what --json prints. Its fields are stable.
type discarded struct {
	Examined  int    `json:"examined"`
	Discarded int    `json:"discarded"`
	Kept      int    `json:"kept"`
	Failed    int    `json:"failed"`
	Complete  bool   `json:"complete"`
	Reason    string `json:"reason"`
}

// discard does what the flags say. It answers the exit code, or an error when it
// did nothing.
func discard(ctx context.Context, o *discardOptions, std streams) (int, error) {
	queues, err := o.openOne(ctx, byURL, "", "longshore dlq discard")
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	q := queues.All()[0]
	screen := newScreen(std.err)
	if !o.yes && !confirm(ctx, o.question(q.Name), std) {
		screen.printf("nothing was deleted")
		return exitFailed, nil
	}
	told, now := time.Now(), time.Now()
	report, err := runtime.Discard(ctx, queues, q.Name, &runtime.DiscardOptions{
		Match: func(d runtime.DeadTask) bool { return o.match(&d, now) },
		Max:   o.max, Hold: holdFor(q.Driver.Capabilities()),
		Progress: func(r runtime.DiscardReport) {
			if time.Since(told) >= tellEvery {
				told = time.Now()
				screen.printf("%s examined: %s deleted, %s kept, %s failed", commas(r.Examined), commas(r.Discarded), commas(r.Kept), commas(r.Failed))
			}
		},
	})
	if err != nil && report.Examined == 0 && wasNotSent(err) {
		return exitUsage, &usageError{err, ""}
	}
	return o.report(&report, err, screen, std), nil
}

// report prints what was done and answers the exit code.
func (o *discardOptions) report(r *runtime.DiscardReport, err error, screen *screen, std streams) int {
	code := exitOK
	reached := o.max > 0 && r.Discarded >= o.max
	if err != nil || r.Failed > 0 || !r.Complete && !reached {
		code = exitFailed
	}
	var outErr error
	if o.json {
		outErr = writeJSON(std.out, discarded{r.Examined, r.Discarded, r.Kept, r.Failed, r.Complete, r.Reason})
	} else {
		screen.printf("%s: %s deleted, %s kept, %s failed", count(r.Examined, "dead letter"), commas(r.Discarded), commas(r.Kept), commas(r.Failed))
		screen.printf("it ended because: %s", r.Reason)
	}
	switch {
	case outErr != nil:
		screen.printf("the output could not be written: %v", outErr)
		return exitFailed
	case code != exitOK:
		screen.printf("run it again to delete the rest")
	}
	return code
}

// question asks whether to delete what the flags choose.
func (o *discardOptions) question(queue string) string {
	what, which := "all dead letters", ""
	if o.max > 0 {
		what = "at most " + count(o.max, "dead letter")
	}
	if chosen := o.letterFilter.String(); chosen != "" {
		which = " with " + chosen
	}
	return fmt.Sprintf("delete %s of %q%s for good?", what, queue, which)
}

// String is the choice as flags.
func (f *letterFilter) String() string {
	var flags []string
	for _, list := range []struct {
		name   string
		values []string
	}{{"id", f.ids}, {"kind", f.kinds}, {"reason", f.reasons}} {
		for _, v := range list.values {
			flags = append(flags, "--"+list.name+" "+v)
		}
	}
	if f.olderThan > 0 {
		flags = append(flags, "--older-than "+f.olderThan.String())
	}
	if f.youngerThan > 0 {
		flags = append(flags, "--younger-than "+f.youngerThan.String())
	}
	return strings.Join(flags, " ")
}

// confirm asks a question on standard error and reads the answer; the end of ctx
// is a no.
func confirm(ctx context.Context, question string, std streams) bool {
	fmt.Fprintf(std.err, "%s [y/N] ", escapeLine(question))
	answer := make(chan string, 1) // one answer, never closed
	go func() {                    // left behind when ctx ends: nothing ends a read of a terminal
		line, _ := bufio.NewReader(std.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case a := <-answer:
		return a == "y" || a == "yes"
	case <-ctx.Done():
		fmt.Fprintln(std.err)
		return false
	}
}
