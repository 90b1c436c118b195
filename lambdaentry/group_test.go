package lambdaentry_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// A head that is done already, whose delete did not come about, does not turn its group
// away.
func TestAGroupGoesOnBehindWhatIsDone(t *testing.T) {
	var ran []string
	on(t, "orders.fifo", func(_ context.Context, task *runtime.Task[work]) error {
		ran = append(ran, task.Args.Do)
		return nil
	}, nil, func(f *function) {
		f.enqueue("head", runtime.Group("a"))
		f.invoke(f.event(1), 30*time.Second) // and nobody deletes it
		time.Sleep(holds + time.Second)
		f.enqueue("next", runtime.Group("a"))
		if failed := f.invoke(f.event(2), 30*time.Second); len(failed) != 0 || !slices.Equal(ran, []string{"head", "next"}) {
			t.Errorf("the answer names %q, %q ran", failed, ran)
		}
	})
}

// A suspect may end the process: what ran before it in its group is deleted first.
func TestASuspectOfAGroupRunsWhenAllElseIsSettled(t *testing.T) {
	var f *function
	var live int64
	on(t, "orders.fifo", func(_ context.Context, task *runtime.Task[work]) error {
		if task.Args.Do == "suspect" {
			live, _ = f.stats()
		}
		return nil
	}, nil, func(g *function) {
		f = g
		f.enqueue("ok", runtime.Group("a"))
		f.enqueue("suspect", runtime.Group("a"))
		e := f.event(2)
		e.Records[1].Attributes["ApproximateReceiveCount"] = "7"
		if failed := f.invoke(e, 30*time.Second); len(failed) != 0 {
			t.Errorf("the answer names %q", failed)
		}
		if live != 1 {
			t.Errorf("%d messages were left when the suspect ran; want itself", live)
		}
	})
}
