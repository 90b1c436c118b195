package conformance

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Backend is one profile of a driver: a driver in one configuration, on one
// broker. Profiles are the columns of MATRIX.md.
type Backend struct {
	// Profile names the column: "mem ordered".
	Profile string

	// Virtual says that the driver and its broker read all time from package
	// time and live in this process, so that each check runs in a
	// testing/synctest bubble of its own, where hours pass at once.
	Virtual bool

	// Open gives a queue that is fresh, empty and used by nobody else. It is
	// called inside the bubble, and without Virtual several times at once. What
	// must be taken down with the queue goes into t.Cleanup; the suite closes the
	// queue itself. It must not fail t.
	Open func(t *testing.T, o Options) (driver.Queue, error)

	// Can says which Options Open honours. A check that needs another is absent.
	Can Can

	// Hold is the hold of the queues that Open gives, and the unit of all times
	// in the checks: a multiple of twice HoldGrain, at least four times it, at
	// least twice MinHold and at most a quarter of MaxHold unless FixedHold.
	Hold time.Duration

	// Margin is how late the broker and the machine may be, at least; 0 where
	// time is virtual and the broker exact.
	Margin time.Duration

	// Late is how much later still something may begin on a machine that stalls, where
	// time is real: 0 or more. That something comes too early or too often is judged
	// without it, and how punctual the runtime is where time is virtual.
	Late time.Duration

	// DedupWindow is how long the broker remembers a DedupKey; required where
	// Dedup is supported.
	DedupWindow time.Duration

	// MovesAll says that the broker has a bulk redrive; without it MoveAll must
	// be refused.
	MovesAll bool

	// Interrupts are the places in which a Bury or Redrive can be cut off.
	// Without one the checks for it are absent.
	Interrupts []Interrupt

	// Engine runs the tasks of the worker layer; nil stands for Worker.
	Engine *Engine

	// Waivers excuse checks that this profile is known to fail.
	Waivers []Waiver
}

// minBatch is how many messages every driver takes in a call.
const minBatch = 5

// Options are what a check asks of the queue it opens.
type Options struct {
	Hold         time.Duration // the queue's own hold; 0 is Backend.Hold
	MaxAttempts  int           // the broker's own attempt limit; 0 is at least 10
	NoDeadLetter bool          // without a dead letter
}

// Can says which Options a backend honours.
type Can struct{ Hold, MaxAttempts, NoDeadLetter bool }

// Interrupt is a place in which a Bury or Redrive can be cut off.
type Interrupt struct {
	// Name says where: "between send and delete".
	Name string
	// Arm gives q as a worker sees it that is cut off in the middle of its next
	// Bury or Redrive: that Settle fails, and whatever it had done by then stays
	// done. Calls on q itself work on.
	Arm func(q driver.Queue) driver.Queue
}

// Waiver excuses a check that fails, for a reason and a time. An expired waiver
// fails, and so does one whose check passes.
type Waiver struct {
	Check  string // its name
	Reason string // what is different, in a sentence
	Link   string // the provider's page or the thread that says so
	Expiry string // the last day it holds, as 2006-01-02
}

// problem is what is wrong with the waiver on the given day, or nil.
func (w Waiver) problem(now time.Time) error {
	until, err := time.Parse(time.DateOnly, w.Expiry)
	switch {
	case w.Reason == "" || w.Link == "":
		return errors.New("the waiver lacks a reason or a link")
	case err != nil:
		return fmt.Errorf("the waiver has no expiry such as 2006-01-02: %w", err)
	case !now.Before(until.AddDate(0, 0, 1)):
		return fmt.Errorf("the waiver expired on %s; fix the driver, or look again and renew it", w.Expiry)
	case !slices.ContainsFunc(Checks(), func(c Check) bool { return c.Name == w.Check }):
		return errors.New("the waiver is for a check that does not exist")
	}
	return nil
}

// problem is what is wrong with the backend, or nil.
func (b *Backend) problem(want *driver.Capabilities) error {
	switch {
	case b.Profile == "" || b.Open == nil:
		return errors.New("a backend needs a profile and Open")
	case min(want.MaxSendBatch, want.MaxSettleBatch) < minBatch:
		return fmt.Errorf("the batch limits %d and %d are below %d, which the checks need; a driver may split a batch into several requests",
			want.MaxSendBatch, want.MaxSettleBatch, minBatch)
	case b.Hold <= 0 || b.Hold < 4*want.HoldGrain || want.HoldGrain > 0 && b.Hold%(2*want.HoldGrain) != 0:
		return fmt.Errorf("hold %v is not an even number of grains of %v, at least four", b.Hold, want.HoldGrain)
	case !want.FixedHold && (b.Hold < 2*want.MinHold || b.Hold > want.MaxHold/4):
		return fmt.Errorf("hold %v is not within 2 times %v to a quarter of %v", b.Hold, want.MinHold, want.MaxHold)
	case want.Dedup.Supported() && b.DedupWindow <= 0:
		return errors.New("the deduplication window is missing")
	}
	return nil
}
