package runtime_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func TestHandleAnyTakesWhatNobodyElseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.mux = runtime.NewMux(&runtime.MuxOptions{RawKind: "raw"})
		ran := make(chan string, 3) // one a message, never closed
		b.handle(func(context.Context, *runtime.Task[job]) error { ran <- "its own"; return nil })
		b.mux.HandleAny(func(_ context.Context, i *runtime.Info) error {
			ran <- i.Kind
			return nil
		})
		b.enqueue("a")
		if _, err := runtime.EnqueueRaw(t.Context(), b.client, runtime.Raw{Kind: "other", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
		if r := b.queue.Send(t.Context(), []driver.Message{{Body: []byte("no task")}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}

		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		got := map[string]bool{<-ran: true, <-ran: true, <-ran: true}
		if err := stop(); err != nil {
			t.Error(err)
		}

		if !got["its own"] || !got["other"] || !got["raw"] {
			t.Errorf("ran %v", got)
		}
		b.stats(0, 0, 0)
	})
}

func TestHandleAnyIsCheckedLikeAnyHandler(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(m *runtime.Mux)
		want string
	}{
		"nil":              {func(m *runtime.Mux) { m.HandleAny(nil) }, "the handler, or what middleware made of it, is nil"},
		"twice":            {func(m *runtime.Mux) { m.HandleAny(nothing); m.HandleAny(nothing) }, "has two handlers"},
		"timeout":          {func(m *runtime.Mux) { m.HandleAny(nothing, runtime.Timeout(0)) }, "the timeout is not above 0"},
		"its key by name":  {func(m *runtime.Mux) { m.HandleRaw("*", nothing) }, "the kind has byte 0x2a"},
		"nothing is wrong": {func(m *runtime.Mux) { m.HandleAny(nothing, runtime.Timeout(time.Second)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := runtime.NewMux(&runtime.MuxOptions{RawKind: "raw"})
			c.set(m)
			err := m.Err()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func nothing(context.Context, *runtime.Info) error { return nil }
