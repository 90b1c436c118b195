package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// brokenError panics when asked for its text, as many a nil pointer does.
type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

// brokenChain panics when asked for what it wraps.
type brokenChain struct{ err error }

func (e *brokenChain) Error() string { return "broken" }
func (e *brokenChain) Unwrap() error { return e.err }

// What an application's error or backoff does must not end the worker, or a
// single task would end all workers one after the other.
func TestAPanicBesideTheHandlerIsAFailedAttempt(t *testing.T) {
	broken := func(context.Context, *runtime.Task[job]) error { return (*brokenError)(nil) }
	for name, c := range map[string]struct {
		handler func(context.Context, *runtime.Task[job]) error
		backoff runtime.Backoff
		limit   time.Duration
	}{
		"an error whose text panics":                      {broken, runtime.Fixed(time.Second), 0},
		"an error whose text panics, with a hard timeout": {broken, runtime.Fixed(time.Second), time.Minute},
		"an error whose Unwrap panics": {
			func(context.Context, *runtime.Task[job]) error { return (*brokenChain)(nil) }, runtime.Fixed(time.Second), 0,
		},
		"an error whose Unwrap panics, with a hard timeout": {
			func(context.Context, *runtime.Task[job]) error { return (*brokenChain)(nil) }, runtime.Fixed(time.Second), time.Minute,
		},
		"a backoff that panics": {
			func(context.Context, *runtime.Task[job]) error { return errBoom },
			func(n int) time.Duration { return []time.Duration{}[n] }, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: c.backoff}, nil)
				runs := 0
				var opts []runtime.HandleOption
				if c.limit > 0 {
					opts = append(opts, runtime.HardTimeout(c.limit))
				}
				b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
					runs++
					return c.handler(ctx, task)
				}, opts...)
				b.runFor(time.Hour)
				if d := b.dead().Death; d.Reason != driver.ReasonExhausted || d.Attempts != 3 || runs != 3 {
					t.Errorf("after %d runs: death record %+v", runs, d)
				}
			})
		})
	}
}

// typed is JSON under another content type.
type typed string

func (c typed) ContentType() string                { return string(c) }
func (c typed) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (c typed) Unmarshal(data []byte, v any) error { return errors.New("typed codec") }

func TestACodecCanTakeThePlaceOfJSON(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	b.mux = runtime.NewMux(&runtime.MuxOptions{Codecs: []runtime.Codec{typed("application/json")}})
	b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
	if err := b.mux.Err(); err != nil {
		t.Fatal(err)
	}
	b.enqueue("a")
	leases, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := b.mux.Dispatch(t.Context(), runtime.Delivery{Lease: leases[0], Queue: b.queues.All()[0]})
	if d.Err == nil || !strings.Contains(d.Err.Error(), "typed codec") {
		t.Errorf("decision %+v, want the other codec's", d)
	}
}
