package guide_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func handleTexts(mux *runtime.Mux, send func() (status int, wait time.Duration)) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendText]) error {
		status, wait := send()
		fmt.Printf("%v: text %d, attempt %d: %d\n", clock(), t.Args.Number, t.Attempt, status)
		if status == http.StatusTooManyRequests {
			return runtime.PauseQueue(wait, errors.New("429 Too Many Requests")) // wait is its Retry-After
		}
		return nil
	}, runtime.RateLimit(1, 1)) // one a second
}

func TestRateLimitsPage(t *testing.T) {
	prints(t, "rate-limits.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(&runtime.MuxOptions{Logger: quiet})
		calls := 0
		handleTexts(mux, func() (int, time.Duration) {
			if calls++; calls == 2 {
				return http.StatusTooManyRequests, 10 * time.Second
			}
			return http.StatusAccepted, 0
		})
		enqueue(t, kit, SendText{1}, SendText{2}, SendText{3})
		kit.Drain(t, mux, nil)
	})
}
