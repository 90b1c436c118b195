package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// DeadTask is one dead letter.
type DeadTask struct {
	// ID and Kind are the task's; empty when the message is no task.
	ID   TaskID
	Kind string
	// MessageID is the broker's id of the dead letter.
	MessageID string
	// EnqueuedAt is the client's time of Enqueue; zero when unknown.
	EnqueuedAt time.Time
	// Attributes are those given at Enqueue. They must not be modified.
	Attributes map[string]string
	// Redrives is how often the task came back from the dead letter before.
	Redrives int
	// Death says why and when it died. Its Reason is empty when the message has
	// no record that can be read.
	Death driver.Death
	// DataRef is the reference to its payload when that is in a store, else empty; see
	// [Payloads.Read].
	DataRef string
	// Message is all of it, as the broker keeps it. It must not be modified.
	Message driver.Message
}

// RedriveOptions say what to redrive and how fast. The zero value of each field
// is its default.
type RedriveOptions struct {
	// Match chooses among the dead letters; nil takes all. What it does not
	// choose stays dead. It is called once for each dead letter, from the
	// goroutine that called Redrive, and may take its time: what is leased is
	// extended meanwhile. A panic in it ends the redrive with an error, and the
	// dead letter it was asked about stays.
	Match func(DeadTask) bool
	// Max is the most messages to move, 0 or more; 0 for no limit. One of which
	// the broker did not say whether it moved counts.
	Max int
	// Rate is the most messages to move a second, 0 or more; 0 for no limit.
	// They are moved evenly, at most a tenth of a second's worth at once.
	Rate float64
	// Hold is how long the dead letters are leased at a time, within
	// Capabilities.MinHold to MaxHold; 0 for the dead letter's own hold, which
	// is the only one with FixedHold.
	Hold time.Duration
	// Progress is called with the report so far after each page of dead letters,
	// and about once a second while a page takes longer, from the goroutine that
	// called Redrive; nil for none. A panic in it ends the redrive with an error.
	Progress func(RedriveReport)
}

// RedriveReport says what a redrive did.
type RedriveReport struct {
	Examined int // dead letters decided on: Moved, Kept and Failed together
	Moved    int // sent back to the queue
	Kept     int // not chosen, or newer than the redrive; they stay dead
	Failed   int // chosen, and not known to have moved; most stay dead
	// Complete: every message that was dead when the redrive began was examined,
	// as far as the broker shows them, and none failed. It does not show what
	// another redrive or reader has leased.
	Complete bool
	// Reason is why it ended, in words, with the first failure if there was one.
	Reason string
}

const (
	// maxHeldDead is how many dead letters that stay a redrive holds at most.
	maxHeldDead = 1000
	// redriveWait is how long one receive of a redrive waits for dead letters.
	redriveWait = time.Second
	// redriveRetry is for how long a call of a redrive that fails is retried.
	redriveRetry = 30 * time.Second
	// redriveRelease is the most time for the releases at the end of a redrive.
	redriveRelease = 10 * time.Second
)

// Redrive sends dead letters of the named queue back to it, where they run again
// as the same tasks with fresh attempts. It looks at each message once that was
// dead before it began; what dies meanwhile, or again, stays dead. Nil options
// are the defaults.
//
// What is not to be moved stays leased, so that it does not come again, and is
// released at the end. A redrive ends when two receives in a row brought nothing
// new, which takes two seconds on an empty dead letter; when Max were moved; when
// it holds 1,000 that stay; after 80 % of Capabilities.MaxTotalHold; and with an
// error when ctx ends or a call fails for good, or for 30 s. What it holds is
// released also after ctx has ended, within 10 s; a call that hangs then may take
// 10 s more.
//
// One that was cut short can be run again: it moves the rest. Nothing is lost.
// A message whose move had an unknown outcome may be moved twice where
// Capabilities.AtomicRedrive is not native.
//
// The report is valid with an error too. InvalidArgument for options out of
// range, NotFound for a queue that is not there or has no dead letter, else the
// error of the call that failed, or a [*PanicError]. It is safe for concurrent
// use; two redrives of one queue share its dead letters.
func Redrive(ctx context.Context, queues *Queues, queue string, opts *RedriveOptions) (RedriveReport, error) {
	if opts == nil {
		opts = new(RedriveOptions)
	}
	o := &passOptions{verb: redriveVerb, match: opts.Match, max: opts.Max, rate: opts.Rate, hold: opts.Hold}
	if opts.Progress != nil {
		o.progress = func(r passReport) { opts.Progress(r.redrive()) }
	}
	r, err := runPass(ctx, fmt.Sprintf("runtime: redrive %q", queue), queues, queue, o)
	return r.redrive(), err
}

func (r passReport) redrive() RedriveReport {
	return RedriveReport{r.done + r.kept + r.failed, r.done, r.kept, r.failed, r.complete, r.reason}
}
