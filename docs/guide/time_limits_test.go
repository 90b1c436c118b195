package guide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func handleSlowFetch(mux *runtime.Mux) {
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[FetchPage]) error {
		select {
		case <-time.After(time.Hour): // a server that does not answer
			return nil
		case <-ctx.Done():
			fmt.Printf("%v: attempt %d: %v\n", clock(), t.Attempt, context.Cause(ctx))
			return context.Cause(ctx)
		}
	}, runtime.Timeout(30*time.Second), runtime.HardTimeout(time.Minute),
		runtime.Retry(runtime.RetryPolicy{MaxAttempts: 2, Backoff: runtime.Fixed(10 * time.Second), NoJitter: true}))
}

func TestTimeLimitsPage(t *testing.T) {
	prints(t, "time-limits.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		handleSlowFetch(mux)
		enqueue(t, kit, FetchPage{"https://example.com"})
		kit.Drain(t, mux, nil)
	})
}
