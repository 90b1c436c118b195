package guide_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func handleFetch(mux *runtime.Mux) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[FetchPage]) error {
		fmt.Printf("%v: attempt %d of %d\n", clock(), t.Attempt, t.MaxAttempts)
		return errors.New("connection reset")
	}, runtime.Retry(runtime.RetryPolicy{
		MaxAttempts: 4,                                             // default 5
		Backoff:     runtime.Exponential(time.Second, time.Minute), // default 1 s, at most 10 min
		NoJitter:    true,                                          // to print the same each time
	}))
}

func TestRetriesPage(t *testing.T) {
	prints(t, "retries.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		handleFetch(mux)
		enqueue(t, kit, FetchPage{"https://example.com"})
		kit.Drain(t, mux, nil)
	})
}
