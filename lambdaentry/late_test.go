package lambdaentry_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

// A handler that ends when it was given up, but before the invocation, is done as well.
func TestWhatEndsAtTheLastMomentIsDeleted(t *testing.T) {
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		if task.Args.Do == "late" {
			time.Sleep(9600 * time.Millisecond) // in virtual time; it is given up after 9.5 s
			return nil
		}
		return does(ctx, task)
	}
	on(t, "orders", handler, nil, func(f *function) {
		f.enqueue("late")
		f.enqueue("ignore")
		if _, err := f.try(f.event(2), 10*time.Second); err == nil {
			t.Error("the invocation did not time out")
		}
		if live, _ := f.stats(); live != 1 {
			t.Errorf("%d messages are left; want the one that hangs", live)
		}
		time.Sleep(2 * time.Hour) // it ends
	})
}

// A process whose handler outlives the invocation does not answer that, which would keep
// the process: it waits for AWS Lambda to end it, and then ends itself.
func TestAProcessDoesNotOutliveItsTimeout(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("ignore")
		e := f.event(1)
		start := time.Now()
		var exited time.Duration
		lambdaentry.OnExit(f.h, func() { exited = time.Since(start) })
		if _, err := f.try(e, 10*time.Second); err == nil || exited <= 10*time.Second {
			t.Errorf("the invocation answers %v, the process ended after %v; want more than 10s", err, exited)
		}
		time.Sleep(2 * time.Hour) // the handler ends
	})
}
