package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// unhurried is a queue that cannot delay a send.
func unhurried(q driver.Queue) driver.Queue {
	return limited{q, func(c *driver.Capabilities) { c.MaxSendDelay, c.SendDelay = 0, driver.Support{Note: "not here"} }}
}

// A queue that cannot delay a send keeps what is not due by releases, and none of
// them is an attempt.
func TestATaskThatIsNotDueDoesNotGoRoundWithoutPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3}, func(q driver.Queue) driver.Queue {
			return unhurried(faultqueue.New(q, faultqueue.Rule{
				Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					if calls++; calls > 100 {
						time.Sleep(time.Second) // or it goes round for ever
					}
					next(ctx, c)
				}}))
		})
		r := newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			n := r.add()
			if task.Attempt != n { // however many hops there were
				t.Errorf("run %d is attempt %d", n, task.Attempt)
			}
			if n == 1 {
				// Three releases at least.
				return runtime.RetryAfter(30*time.Hour, errBoom)
			}
			return nil
		})
		b.runFor(32 * time.Hour)
		at := r.all()
		if len(at) != 2 || at[1] < 30*time.Hour-2*time.Second || at[1] > 30*time.Hour+time.Minute {
			t.Errorf("ran at %v, want 0s and 30h", at)
		}
		if calls > 10 {
			t.Errorf("%d settles", calls)
		}
	})
}
