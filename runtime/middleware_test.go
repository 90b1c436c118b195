package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// wrapped is a bench whose handlers stand under middleware.
func wrapped(t *testing.T, retry runtime.RetryPolicy, layers ...runtime.Middleware) *bench {
	b := newBench(t, nil, retry, nil)
	b.mux = runtime.NewMux(&runtime.MuxOptions{Middleware: layers, Logger: slog.New(slog.DiscardHandler)})
	return b
}

func TestATaskIsNotLostByMiddlewareThatAnswersForAHandlerWhichIsNotDone(t *testing.T) {
	for name, layer := range map[string]runtime.Middleware{
		"forgets next": func(runtime.HandlerFunc) runtime.HandlerFunc {
			return func(context.Context, *runtime.Info) error { return nil }
		},
		"catches a panic": func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				defer func() { _ = recover() }()
				return next(ctx, task)
			}
		},
		"does not wait for next": func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				go func() {
					defer func() { _ = recover() }()
					_ = next(ctx, task)
				}()
				time.Sleep(time.Millisecond)
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := wrapped(t, runtime.RetryPolicy{MaxAttempts: 3}, layer)
				b.handle(func(context.Context, *runtime.Task[job]) error {
					time.Sleep(time.Second)
					panic("boom")
				})
				b.runFor(time.Minute)
				if d := b.dead().Death; d.Attempts != 3 || !strings.Contains(d.Detail, "without a call of next that returned") {
					t.Errorf("death %+v", d)
				}
			})
		})
	}
}

func TestMiddlewareThatSkipsATaskAcknowledgesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := wrapped(t, runtime.RetryPolicy{}, func(runtime.HandlerFunc) runtime.HandlerFunc {
			return func(context.Context, *runtime.Info) error { return fmt.Errorf("done before: %w", runtime.ErrSkip) }
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { t.Error("it ran"); return nil })
		b.runFor(time.Minute)
		b.stats(0, 0, 0)
	})
}

func TestMiddlewareThatCallsNextTwiceRunsTheTaskOnce(t *testing.T) {
	for name, result := range map[string]error{"success": nil, "failure": errBoom} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := wrapped(t, runtime.RetryPolicy{MaxAttempts: 1}, func(next runtime.HandlerFunc) runtime.HandlerFunc {
					return func(ctx context.Context, task *runtime.Info) error {
						first := next(ctx, task)
						if second := next(ctx, task); second != first {
							t.Errorf("the second call answered %v, the first %v", second, first)
						}
						return first
					}
				})
				r := newRuns()
				b.handle(func(context.Context, *runtime.Task[job]) error { r.add(); return result })
				b.runFor(time.Minute)
				if n := len(r.all()); n != 1 {
					t.Errorf("ran %d times, want once", n)
				}
				dead := int64(0)
				if result != nil {
					dead = 1
				}
				b.stats(0, 0, dead)
			})
		})
	}
}

func TestMiddlewareThatCallsNextWithItsOwnInfoFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := wrapped(t, runtime.RetryPolicy{MaxAttempts: 1}, func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, _ *runtime.Info) error { return next(ctx, new(runtime.Info)) }
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { t.Error("it ran"); return nil })
		b.runFor(time.Minute)
		if d := b.dead().Death; d.Reason != driver.ReasonExhausted || !strings.Contains(d.Detail, "not given") {
			t.Errorf("death %+v", d)
		}
	})
}

// An Info does not change while middleware has it. The race detector looks.
func TestMiddlewareCanCopyAnInfoWhileItsHandlerRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := wrapped(t, runtime.RetryPolicy{}, func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				seen := make(chan runtime.Info)
				go func() { seen <- *task }()
				err := next(ctx, task)
				if info := <-seen; info.Kind != "job" {
					t.Errorf("the copy is of kind %q", info.Kind)
				}
				return err
			}
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.runFor(time.Minute)
		b.stats(0, 0, 0)
	})
}

func TestMiddlewareWrapsFromTheFirstOutward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		layer := func(name string) runtime.Middleware {
			return func(next runtime.HandlerFunc) runtime.HandlerFunc {
				return func(ctx context.Context, task *runtime.Info) error {
					calls = append(calls, name+" in")
					defer func() { calls = append(calls, name+" out") }()
					return next(ctx, task)
				}
			}
		}
		b := wrapped(t, runtime.RetryPolicy{}, layer("outer"), layer("inner"))
		b.handle(func(context.Context, *runtime.Task[job]) error { calls = append(calls, "handler"); return nil })
		b.runFor(time.Minute)
		if want := []string{"outer in", "inner in", "handler", "inner out", "outer out"}; !slices.Equal(calls, want) {
			t.Errorf("calls %v, want %v", calls, want)
		}
	})
}
