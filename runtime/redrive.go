package runtime

import (
	"context"
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
	// Death says why and when it died.
	Death driver.Death
}

// RedriveOptions say what to redrive and how fast. The zero value of each field
// is its default.
type RedriveOptions struct {
	// Match chooses among the dead letters; nil takes all. What it does not
	// choose stays dead. A panic in it ends the redrive with an error, and the
	// dead letter it was asked about stays.
	Match func(DeadTask) bool
	// Max is the most messages to move; 0 for no limit.
	Max int
	// Rate is the most messages to move a second; 0 for no limit.
	Rate float64
	// Hold is how long the dead letters are leased at a time; 0 for the dead
	// letter's own hold.
	Hold time.Duration
	// Progress is called after each page with the report so far, from the
	// goroutine that called Redrive; nil for none.
	Progress func(RedriveReport)
}

// RedriveReport says what a redrive did.
type RedriveReport struct {
	Examined int // dead letters looked at
	Moved    int // sent back to the queue
	Kept     int // not chosen, or newer than the redrive; they stay dead
	Failed   int // chosen, and not moved for an error; they stay dead
	// Complete: every message that was dead when the redrive began was examined,
	// as far as the broker shows them.
	Complete bool
	// Reason is why it ended, in words.
	Reason string
}

// Redrive sends dead letters of the named queue back to it.
func Redrive(ctx context.Context, queues *Queues, queue string, opts *RedriveOptions) (RedriveReport, error) {
	return RedriveReport{}, driver.Errorf(driver.Unsupported, "runtime: redrive", "not there yet")
}
