package runtime_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestASendThatHangsEndsWithItsTimeout(t *testing.T) {
	type key struct{}
	hang := faultqueue.Rule{Op: faultqueue.Send, Fault: faultqueue.Hang()}
	derived := faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, _ faultqueue.Next) {
		inner, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		if ctx.Value(key{}) != "v" || inner.Value(key{}) != "v" {
			t.Error("the caller's value is missing")
		}
		<-inner.Done()
		if ctx.Err() == nil || inner.Err() != ctx.Err() {
			t.Errorf("errors %v and %v", inner.Err(), ctx.Err())
		}
		c.Fail(driver.ContextError(inner, "test"))
	}}
	polls := faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, _ faultqueue.Next) {
		for ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		c.Fail(driver.ContextError(ctx, "test"))
	}}
	for name, rule := range map[string]faultqueue.Rule{"waits": hang, "waits on a context of its own": derived, "asks": polls} {
		for caller, c := range map[string]struct {
			ends func(context.Context) (context.Context, context.CancelFunc)
			took time.Duration
			is   error
		}{
			"waits for ever": {context.WithCancel, 5 * time.Second, context.DeadlineExceeded},
			"has a deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 2*time.Second)
			}, 2 * time.Second, context.DeadlineExceeded},
			"is cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(3*time.Second, cancel)
				return ctx, cancel
			}, 3 * time.Second, context.Canceled},
		} {
			t.Run("the driver "+name+" and the caller "+caller, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil, runtime.RetryPolicy{}, faulty(rule))
					client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{SendTimeout: 5 * time.Second})
					if err != nil {
						t.Fatal(err)
					}
					for range 2 {
						ctx, cancel := c.ends(context.WithValue(t.Context(), key{}, "v"))
						start := time.Now()
						_, err = runtime.Enqueue(ctx, client, job{"a"})
						if took := time.Since(start); took < c.took || took > c.took+time.Millisecond || !errors.Is(err, c.is) {
							t.Errorf("enqueue: %v after %v, want %v after %v", err, took, c.is, c.took)
						}
						cancel()
					}
					ctx, cancel := c.ends(context.WithValue(t.Context(), key{}, "v"))
					defer cancel()
					start := time.Now()
					many := runtime.EnqueueMany(ctx, client, []job{{"a"}, {"b"}})
					if took := time.Since(start); took < c.took || took > c.took+time.Millisecond || !errors.Is(many[1].Err, c.is) {
						t.Errorf("enqueue many: %v after %v, want %v after %v", many[1].Err, took, c.is, c.took)
					}
				})
			})
		}
	}
}
