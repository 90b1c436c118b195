package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// peekHold is how long dead letters are leased at a time, so that they are soon
// there again when this program is killed.
const peekHold = 30 * time.Second

func dlqCommand(std streams, code *int) *cobra.Command {
	c := &cobra.Command{
		Use:   "dlq",
		Short: "List and show dead letters, send them back, or discard them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(dlqListCommand(std, code), dlqShowCommand(std, code), dlqRedriveCommand(std, code), dlqDiscardCommand(std, code))
	return c
}

// letterFilter are the flags that choose among dead letters.
type letterFilter struct {
	ids, kinds, reasons    []string
	olderThan, youngerThan age // 0 for any
}

// add adds the flags to a command.
func (f *letterFilter) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&f.ids, "id", nil, "only the task, or message, with this `id`; may be given several times")
	flags.StringArrayVar(&f.kinds, "kind", nil, "only tasks of this `kind`; may be given several times")
	flags.StringArrayVar(&f.reasons, "reason", nil, "only what died for this `reason`; may be given several times")
	flags.Var(&f.olderThan, "older-than", "only what died this `age` ago or longer, for example 90m or 7d; since it was enqueued or sent, where nobody knows when it died")
	flags.Var(&f.youngerThan, "younger-than", "only what died less than this `age` ago")
}

func (f *letterFilter) check() error {
	for name, values := range map[string][]string{"id": f.ids, "kind": f.kinds, "reason": f.reasons} {
		if slices.Contains(values, "") {
			return usagef("", "--%s is empty", name)
		}
	}
	for _, reason := range f.reasons {
		if err := driver.CheckReason(reason); err != nil {
			return usagef("longshore dlq list shows the reasons", "--reason %q: %w", driver.CutText(reason, driver.MaxReason), err)
		}
	}
	if f.youngerThan > 0 && f.olderThan >= f.youngerThan {
		return usagef("", "nothing is older than %v and younger than %v", &f.olderThan, &f.youngerThan)
	}
	return nil
}

func (f *letterFilter) empty() bool {
	return len(f.ids)+len(f.kinds)+len(f.reasons) == 0 && f.olderThan == 0 && f.youngerThan == 0
}

// match reports whether a dead letter is among those that were chosen. One whose
// age nobody knows is not, where ages are asked for.
func (f *letterFilter) match(d *runtime.DeadTask, now time.Time) bool {
	if f.olderThan > 0 || f.youngerThan > 0 {
		old, ok := ageOf(d, now)
		if !ok || old < time.Duration(f.olderThan) || f.youngerThan > 0 && old >= time.Duration(f.youngerThan) {
			return false
		}
	}
	return (len(f.ids) == 0 || slices.Contains(f.ids, string(d.ID)) || slices.Contains(f.ids, d.MessageID)) &&
		(len(f.kinds) == 0 || slices.Contains(f.kinds, d.Kind)) &&
		(len(f.reasons) == 0 || slices.Contains(f.reasons, d.Death.Reason))
}

// letter is a dead letter as --json prints it. Its fields are stable.
type letter struct {
	ID         runtime.TaskID `json:"id"` // empty when it is no task
	MessageID  string         `json:"message_id"`
	Kind       string         `json:"kind"`
	Reason     string         `json:"reason"` // empty when it has no record
	Detail     string         `json:"detail"`
	Attempts   int            `json:"attempts"` // 0 when nobody knows
	Redrives   int            `json:"redrives"`
	DiedAt     *time.Time     `json:"died_at"`     // null when nobody knows
	EnqueuedAt *time.Time     `json:"enqueued_at"` // null when nobody knows
	AgeMS      int64          `json:"age_ms"`      // since it died, else was enqueued, else sent; 0 when nobody knows

	hasAge bool
}

func newLetter(d *runtime.DeadTask, now time.Time) letter {
	l := letter{
		ID: d.ID, MessageID: d.MessageID, Kind: d.Kind, Reason: d.Death.Reason, Detail: d.Death.Detail,
		Attempts: d.Death.Attempts, Redrives: d.Redrives, DiedAt: known(d.Death.At), EnqueuedAt: known(d.EnqueuedAt),
	}
	if old, ok := ageOf(d, now); ok {
		l.AgeMS, l.hasAge = max(0, old.Milliseconds()), true
	}
	return l
}

// ageOf is how long ago a dead letter died, else was enqueued, else came to the
// broker; false when nobody knows.
func ageOf(d *runtime.DeadTask, now time.Time) (time.Duration, bool) {
	for _, since := range []time.Time{d.Death.At, d.EnqueuedAt, d.Message.SentAt} {
		if !since.IsZero() {
			return now.Sub(since), true
		}
	}
	return 0, false
}

// known is t in UTC, or nil when it is zero.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// collect looks at dead letters until there are limit that match, or there are no
// more, and gives all back. The report is that of a redrive which moves none.
func collect(ctx context.Context, queues *runtime.Queues, filter *letterFilter, limit int, progress func(runtime.RedriveReport)) ([]letter, runtime.RedriveReport, error) {
	now := time.Now()
	var found []letter
	report, err := look(ctx, queues, func(d *runtime.DeadTask) bool {
		if filter.match(d, now) {
			found = append(found, newLetter(d, now))
		}
		return len(found) == limit
	}, progress)
	return found, report, err
}

// holdFor is how long dead letters are leased at a time.
func holdFor(c driver.Capabilities) time.Duration {
	if c.FixedHold {
		return 0
	}
	return min(max(peekHold, c.MinHold), c.MaxHold)
}
