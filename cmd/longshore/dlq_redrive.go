package main

import (
	"context"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// redriveOptions are the flags of longshore dlq redrive.
type redriveOptions struct {
	queueFlags
	letterFilter
	max                  int
	rate                 float64
	native, dryRun, json bool
}

const redriveLong = `Send dead letters back to their queue, where they run again as the same tasks with
fresh attempts: all, or those that --id, --kind, --reason, --older-than and
--younger-than choose. It looks at what was dead when it began; what dies again
meanwhile stays dead. Nothing is lost: where the broker cannot move a message, it is
sent, then deleted.

What is not chosen is leased until the end, at most 1,000. So with many of them one
run may not see all: run it again, or remove some.

--native has the broker move all dead letters by itself, without a choice: on Amazon
SQS by a message move task, which costs one request in place of several a message.
Its progress is as the broker tells it.

With --dry-run nothing moves, and those that would are listed (at most 1,000).

One that was interrupted or failed can be run again: it moves the rest. With --json
standard output has one JSON object: examined, moved, kept, failed, complete (nothing
that was dead is left unexamined, and none failed) and reason, which is why it ended.
With --dry-run moved is 0 and would_move says how many.

SIGINT (Ctrl-C) or SIGTERM ends it after the batch under way, and gives back what it
holds. A second one ends it at once: what it holds comes back within 30 s.

Exit codes: 0 it did what it was told, also when --max was reached; 1 something
failed, it was interrupted, or it could not look at all; 2 nothing was done, because a
flag, the queue or the command is wrong; 130 ended by a second signal.`

const redriveExample = `  longshore dlq redrive --queue 'sqs://orders?region=eu-west-1' --kind mail.send --rate 50
  longshore dlq redrive --queue sqs://orders --native`

func dlqRedriveCommand(std streams, code *int) *cobra.Command {
	o := new(redriveOptions)
	c := &cobra.Command{
		Use:     "redrive (--queue URL | --config FILE)",
		Short:   "Send dead letters back to their queue",
		Long:    redriveLong + queueURLs(),
		Example: redriveExample,
		Args:    noArgument("dlq redrive", "for example --id ID"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return interruptible(c, code, func(ctx context.Context) (int, error) { return redrive(ctx, o, std) })
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.queueFlags.add(c, "`URL` of the queue that they died on, for example "+exampleURL, defaultOfFile)
	o.letterFilter.add(c)
	f.IntVar(&o.max, "max", 0, "the most to move; 0 for no limit")
	f.Float64Var(&o.rate, "rate", 0, "the most to move a second; 0 for no limit")
	f.BoolVar(&o.native, "native", false, "have the broker move all of them")
	f.BoolVar(&o.dryRun, "dry-run", false, "move nothing, and list what would be")
	f.BoolVar(&o.json, "json", false, "print what was done as JSON on standard output")
	return c
}

func (o *redriveOptions) check(given func(flag string) bool) error {
	if err := o.checkOne(given); err != nil {
		return err
	}
	switch {
	case o.max < 0:
		return usagef("0 stands for no limit", "--max %d is negative", o.max)
	case !(o.rate >= 0) || math.IsInf(o.rate, 0): // also NaN
		return usagef("0 stands for no limit", "--rate %v is not a number of 0 or more", o.rate)
	case o.native && (!o.empty() || given("max")):
		return usagef("leave out --native, or the choice", "--native moves all, so it takes no --id, --kind, --reason, --older-than, --younger-than or --max")
	case o.native && o.dryRun:
		return usagef("leave one out", "--native and --dry-run are both given")
	case o.native && o.rate != math.Trunc(o.rate):
		return usagef("", "--rate %v: with --native it is a whole number", o.rate)
	}
	return o.letterFilter.check()
}

// redriven is what --json prints. Its fields are stable.
type redriven struct {
	Examined  int64  `json:"examined"`
	Moved     int64  `json:"moved"`
	Kept      int64  `json:"kept"`
	Failed    int64  `json:"failed"`
	WouldMove *int64 `json:"would_move,omitempty"` // with --dry-run
	Complete  bool   `json:"complete"`
	Reason    string `json:"reason"`
}

func newRedriven(r *runtime.RedriveReport) redriven {
	return redriven{
		Examined: int64(r.Examined), Moved: int64(r.Moved), Kept: int64(r.Kept), Failed: int64(r.Failed),
		Complete: r.Complete, Reason: r.Reason,
	}
}

// redrive does what the flags say. It answers the exit code, or an error when it
// did nothing.
func redrive(ctx context.Context, o *redriveOptions, std streams) (int, error) {
	queues, err := o.openOne(ctx, byURL, "", "longshore dlq redrive")
	if err != nil {
		return exitUsage, err
	}
	defer queues.Close(context.WithoutCancel(ctx))
	screen := newScreen(std.err)
	r := &redriver{options: o, std: std, screen: screen, queues: queues, told: time.Now()}
	var done redriven
	switch {
	case o.dryRun:
		done, err = r.dry(ctx)
	case o.native:
		done, err = r.native(ctx)
	default:
		done, err = r.loop(ctx)
	}
	if err != nil && done.Examined == 0 && wasNotSent(err) {
		return exitUsage, &usageError{err, ""}
	}
	return r.report(&done, err), nil
}

// redriver is one run of longshore dlq redrive.
type redriver struct {
	options *redriveOptions
	std     streams
	screen  *screen
	queues  *runtime.Queues
	told    time.Time // when progress was last told
	outErr  error     // why output was not written
}

// tellEvery is how often progress is told.
const tellEvery = 5 * time.Second

func (r *redriver) tell(format string, args ...any) {
	if time.Since(r.told) >= tellEvery {
		r.told = time.Now()
		r.screen.printf(format, args...)
	}
}

func (r *redriver) progress(p runtime.RedriveReport) {
	r.tell("%s examined: %s moved, %s kept, %s failed", commas(p.Examined), commas(p.Moved), commas(p.Kept), commas(p.Failed))
}

// loop moves what is chosen, message by message.
func (r *redriver) loop(ctx context.Context) (redriven, error) {
	o := r.options
	q := r.queues.All()[0]
	options := &runtime.RedriveOptions{
		Max: o.max, Rate: o.rate, Hold: holdFor(q.Driver.Capabilities()), Progress: r.progress,
	}
	if !o.empty() {
		now := time.Now()
		options.Match = func(d runtime.DeadTask) bool { return o.match(&d, now) }
	}
	report, err := runtime.Redrive(ctx, r.queues, q.Name, options)
	return newRedriven(&report), err
}

// native has the broker move all.
func (r *redriver) native(ctx context.Context) (redriven, error) {
	report, err := r.queues.All()[0].Driver.DeadLetter().MoveAll(ctx, driver.MoveOptions{
		Rate: int(r.options.rate),
		Progress: func(p driver.MoveReport) {
			if p.Total >= 0 {
				r.tell("%s of about %s moved", commas(int(p.Moved)), commas(int(p.Total)))
			} else {
				r.tell("%s moved", commas(int(p.Moved)))
			}
		},
	})
	done := redriven{Examined: report.Moved, Moved: report.Moved, Complete: err == nil, Reason: "the broker has moved all"}
	if err != nil {
		done.Reason = err.Error()
	}
	return done, err
}

// dry lists what would be moved.
func (r *redriver) dry(ctx context.Context) (redriven, error) {
	limit := maxListed
	if m := r.options.max; m > 0 {
		limit = min(m, limit)
	}
	found, report, err := collect(ctx, r.queues, &r.options.letterFilter, limit, r.progress)
	done, n := newRedriven(&report), int64(len(found))
	done.WouldMove = &n
	if !r.options.json {
		r.outErr = (&listing{Letters: found}).table(r.std)
	}
	return done, err
}

// report prints what was done and answers the exit code.
func (r *redriver) report(done *redriven, err error) int {
	o := r.options
	code := exitOK
	reached := o.max > 0 && (done.Moved >= int64(o.max) || done.WouldMove != nil && *done.WouldMove >= int64(o.max))
	if err != nil || done.Failed > 0 || !done.Complete && !reached {
		code = exitFailed
	}
	if o.json {
		r.outErr = writeJSON(r.std.out, done)
	} else {
		moved := commas(int(done.Moved)) + " moved"
		if done.WouldMove != nil {
			moved = commas(int(*done.WouldMove)) + " would be moved"
		}
		r.screen.printf("%s: %s, %s kept, %s failed", count(int(done.Examined), "dead letter"), moved, commas(int(done.Kept)), commas(int(done.Failed)))
		r.screen.printf("it ended because: %s", done.Reason)
	}
	if r.outErr != nil {
		r.screen.printf("the output could not be written: %v", r.outErr)
		code = exitFailed
	}
	if code != exitOK && r.outErr == nil && !o.dryRun {
		r.screen.printf("run it again to move the rest")
	}
	return code
}
