package guide_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func repair(ctx context.Context, queues *runtime.Queues, queue string) error {
	report, err := runtime.Redrive(ctx, queues, queue, &runtime.RedriveOptions{
		Match: func(d runtime.DeadTask) bool {
			fmt.Printf("%s, %d attempts: %s\n", d.Death.Reason, d.Death.Attempts, d.Death.Detail)
			return d.Death.Reason == driver.ReasonExhausted // the others stay
		},
		Rate: 50, // a second
	})
	fmt.Printf("moved %d, kept %d, complete: %v\n", report.Moved, report.Kept, report.Complete)
	if err != nil {
		return err
	}
	gone, err := runtime.Discard(ctx, queues, queue, &runtime.DiscardOptions{
		Match: func(d runtime.DeadTask) bool { return d.Death.Reason == driver.ReasonPermanent },
	})
	fmt.Println("discarded", gone.Discarded)
	return err
}

func TestDeadLettersPage(t *testing.T) {
	prints(t, "dead-letters.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(_ context.Context, task *runtime.Task[Charge]) error {
			if task.Args.Customer == "bob" {
				return runtime.Permanent(errors.New("the account is closed"))
			}
			return errors.New("the bank does not answer")
		}, runtime.Retry(runtime.RetryPolicy{MaxAttempts: 3}))
		enqueue(t, kit, Charge{"bob", 5}, Charge{"ann", 990})
		kit.Drain(t, mux, nil)
		if err := repair(t.Context(), kit.Queues(), runtimetest.DefaultQueue); err != nil {
			t.Fatal(err)
		}
		if dead := kit.Dead(t); len(dead) != 0 {
			t.Errorf("still dead: %v", dead)
		}
	})
}
