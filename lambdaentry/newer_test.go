package lambdaentry_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// What the extend of an older lease says does not end a run that goes on with a newer.
func TestANewerLeaseOutlivesTheExtendOfAnOlder(t *testing.T) {
	var cause error
	runs := 0
	on(t, "orders", func(ctx context.Context, _ *runtime.Task[work]) error {
		runs++
		timer := time.NewTimer(250 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			cause = context.Cause(ctx)
		}
		return nil
	}, nil, func(f *function) {
		f.enqueue("x")
		e := f.event(1)
		calls := make(chan time.Time, 100)
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Extend, Times: 1, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			calls <- time.Now()
			time.Sleep(2 * time.Second) // in virtual time
			c.Fail(driver.Errorf(driver.LeaseLost, "extend", "it came again"))
		}})
		failed := make(chan []string, 2)
		go func() { failed <- f.invoke(e, 15*time.Minute) }()
		<-calls
		time.Sleep(time.Second)
		go func() { failed <- f.invoke(e, 15*time.Minute) }() // the message came again
		for range 2 {
			if got := <-failed; len(got) != 0 {
				t.Errorf("an answer names %q", got)
			}
		}
		if runs != 1 || cause != nil {
			t.Errorf("%d runs; the first ended with %v", runs, cause)
		}
	})
}
