package guide_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

var errGone = errors.New("the page is gone")

func fetch(string) error { return fmt.Errorf("fetch: %w", errGone) }

func handleOrGiveUp(mux *runtime.Mux) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[FetchPage]) error {
		if !strings.HasPrefix(t.Args.URL, "https://") {
			return runtime.Permanent(errors.New("the address is no https URL"))
		}
		return fetch(t.Args.URL) // of a page that is gone: an error that wraps errGone
	}, runtime.Retry(runtime.RetryPolicy{Never: []error{errGone}}))
}

func TestPermanentErrorsPage(t *testing.T) {
	prints(t, "permanent-errors.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		handleOrGiveUp(mux)
		enqueue(t, kit, FetchPage{"example.com"}, FetchPage{"https://example.com/old"})
		kit.Drain(t, mux, nil)
		for _, d := range kit.Dead(t) {
			fmt.Printf("%s after attempt %d: %s\n", d.Death.Reason, d.Death.Attempts, d.Death.Detail)
		}
	})
}
