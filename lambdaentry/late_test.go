package lambdaentry_test

import (
	"context"
	"testing"
	"time"

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
