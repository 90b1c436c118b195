package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// DiscardOptions say which dead letters to discard. The zero value of each field
// but Match is its default.
type DiscardOptions struct {
	// Match chooses among the dead letters. It must be set, as what is discarded is
	// gone: to discard all, it says true. It is called as that of RedriveOptions
	// is, and what it does not choose stays dead.
	Match func(DeadTask) bool
	// Max is the most dead letters to discard, 0 or more; 0 for no limit. One of
	// which the broker did not say whether it was discarded counts.
	Max int
	// Hold is how long the dead letters are leased at a time, within
	// Capabilities.MinHold to MaxHold; 0 for the dead letter's own hold, which is
	// the only one with FixedHold.
	Hold time.Duration
	// Progress is called as that of RedriveOptions is; nil for none.
	Progress func(DiscardReport)
}

// DiscardReport says what a discard did.
type DiscardReport struct {
	Examined  int // dead letters decided on: Discarded, Kept and Failed together
	Discarded int // deleted for good
	Kept      int // not chosen, or newer than the discard; they stay dead
	Failed    int // chosen, and not known to be deleted; most stay dead
	// Complete and Reason are as in RedriveReport.
	Complete bool
	Reason   string
}

// Discard deletes dead letters of the named queue for good. It looks at each
// message once that was dead before it began, holds what it does not discard,
// ends, and answers as [Redrive] does. One that was cut short can be run again:
// it discards the rest.
//
// InvalidArgument for options that are missing or out of range, else the errors of
// Redrive. It is safe for concurrent use; discards and redrives of one queue share
// its dead letters.
func Discard(ctx context.Context, queues *Queues, queue string, opts *DiscardOptions) (DiscardReport, error) {
	op := fmt.Sprintf("runtime: discard %q", queue)
	if opts == nil || opts.Match == nil {
		return DiscardReport{}, driver.Errorf(driver.InvalidArgument, op, "there is no Match; choose what to discard, as it is gone then")
	}
	o := &passOptions{verb: discardVerb, match: opts.Match, max: opts.Max, hold: opts.Hold}
	if opts.Progress != nil {
		o.progress = func(r passReport) { opts.Progress(r.discard()) }
	}
	r, err := runPass(ctx, op, queues, queue, o)
	return r.discard(), err
}

func (r passReport) discard() DiscardReport {
	return DiscardReport{r.done + r.kept + r.failed, r.done, r.kept, r.failed, r.complete, r.reason}
}
