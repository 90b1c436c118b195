package runtimetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func TestInlineRunsTheHandlerInEnqueue(t *testing.T) {
	kit, _ := inline(t, nil, func(_ context.Context, task *runtime.Task[mail]) error {
		if task.Attempt < 3 {
			return errBoom
		}
		return nil
	})
	start := time.Now()

	id := enqueue(t, kit.Client(), mail{"ann"}, runtime.Delay(20*time.Hour))

	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v; it waited", took)
	}
	got := kit.Attempts(id)
	if len(got) != 3 || !errors.Is(got[1].Err, errBoom) || got[2].Verdict != driver.Ack {
		t.Errorf("attempts %v, want two that failed and an ack", got)
	}
	runtimetest.RequireEnqueued[mail](t, kit, runtimetest.Delay(20*time.Hour))
}

// inline makes a kit that runs the handler inline.
func inline[T runtime.Args](t *testing.T, o *runtimetest.Options, h func(context.Context, *runtime.Task[T]) error) (*runtimetest.Kit, *runtime.Mux) {
	t.Helper()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, h)
	kit := runtimetest.New(t, o)
	kit.Inline(t, mux)
	return kit, mux
}

func TestInlineNeedsHandlers(t *testing.T) {
	kit := runtimetest.New(t, nil)
	if got := failure(t, func(tb testing.TB) { kit.Inline(tb, runtime.NewMux(nil)) }); !strings.Contains(got, "runtimetest: inline: ") {
		t.Errorf("failure %q", got)
	}
}

func TestInlineBuries(t *testing.T) {
	kit, _ := inline(t, nil, func(context.Context, *runtime.Task[mail]) error { return errBoom })

	id := enqueue(t, kit.Client(), mail{"ann"})
	enqueue(t, kit.Client(), order{1}) // nobody handles it

	if got := kit.Attempts(id); len(got) != runtime.DefaultMaxAttempts {
		t.Errorf("attempts %v, want %d", got, runtime.DefaultMaxAttempts)
	}
	dead := kit.Dead(t)
	if len(dead) != 2 || dead[0].ID != id || dead[0].Death.Reason != driver.ReasonExhausted || dead[1].Death.Reason != driver.ReasonUnknownKind {
		t.Errorf("dead %+v, want the mail as exhausted and the order as of unknown kind", dead)
	}
}

func TestInlineSnoozes(t *testing.T) {
	runs := 0
	kit, _ := inline(t, nil, func(_ context.Context, task *runtime.Task[mail]) error {
		if runs++; runs < 200 {
			return runtime.Snooze(time.Hour)
		}
		return nil
	})
	id := enqueue(t, kit.Client(), mail{"ann"})

	got := kit.Attempts(id)
	if len(got) != 200 || got[0].Verdict != driver.Release || got[0].Delay.Round(time.Minute) != time.Hour || got[199].Verdict != driver.Ack {
		t.Errorf("%d attempts, want 199 put off by an hour and an ack", len(got))
	}
	runtimetest.RequireEnqueued[mail](t, kit)
}

// A task that a handler enqueues runs inside it, but for one of the handler's own
// group, which runs after it as it would on any queue.
func TestInlineNests(t *testing.T) {
	for _, tt := range []struct {
		name, group string
		want        []string
	}{
		{"freely", "", []string{"order begins", "mail", "order ends"}},
		{"in a group", "g", []string{"order begins", "order ends", "mail"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var steps []string
			var opts []runtime.EnqueueOption
			if tt.group != "" {
				opts = append(opts, runtime.Group(tt.group))
			}
			kit, mux := inline(t, &runtimetest.Options{Mem: mem.Options{Ordered: true}}, func(context.Context, *runtime.Task[mail]) error {
				steps = append(steps, "mail")
				return nil
			})
			runtime.Handle(mux, func(ctx context.Context, task *runtime.Task[order]) error {
				steps = append(steps, "order begins")
				_, err := runtime.Enqueue(ctx, kit.Client(), mail{"ann"}, opts...)
				steps = append(steps, "order ends")
				return err
			})

			enqueue(t, kit.Client(), order{1}, opts...)

			if !slices.Equal(steps, tt.want) {
				t.Errorf("steps %q, want %q", steps, tt.want)
			}
		})
	}
}

// Enqueue returns when its own task is done, whoever else enqueues.
func TestInlineFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done sync.Map
		kit, _ := inline(t, nil, func(_ context.Context, task *runtime.Task[order]) error {
			time.Sleep(time.Second)
			if task.Attempt == 1 {
				return errBoom
			}
			done.Store(task.ID, true)
			return nil
		})
		var late atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for range 3 {
					for _, r := range runtime.EnqueueMany(t.Context(), kit.Client(), make([]order, 10)) {
						if _, ok := done.Load(r.ID); r.Err != nil || !ok {
							late.Add(1)
						}
					}
				}
			})
		}
		all.Wait()
		if n := late.Load(); n > 0 {
			t.Errorf("%d tasks were not done when Enqueue returned", n)
		}
		runtimetest.RequireEnqueuedMany[order](t, kit, 16*3*10)
	})
}

func TestInlineOutlivesHoldAndSendTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit, _ := inline(t, nil, func(ctx context.Context, _ *runtime.Task[mail]) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(10 * time.Hour):
				return nil
			}
		})
		results := runtime.EnqueueMany(t.Context(), kit.Client(), []mail{{"ann"}})
		if got := kit.Attempts(); results[0].Err != nil || len(got) != 1 || got[0].Verdict != driver.Ack {
			t.Errorf("results %v, attempts %v, want an ack", results, got)
		}
	})
}

func TestInlineRedriven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		kit, mux := inline(t, nil, func(context.Context, *runtime.Task[mail]) error {
			if broken {
				return runtime.Permanent(errBoom)
			}
			return nil
		})
		id := enqueue(t, kit.Client(), mail{"ann"})
		broken = false
		if _, err := runtime.Redrive(t.Context(), kit.Queues(), runtimetest.DefaultQueue, nil); err != nil {
			t.Fatal(err)
		}
		kit.Drain(t, mux, nil)
		if got := kit.Attempts(id); len(got) != 2 || got[1].Verdict != driver.Ack {
			t.Errorf("attempts %v, want one that buried and an ack", got)
		}
	})
}

func TestInlineEndsWhatHasNoEnd(t *testing.T) {
	const most = 20
	for name, next := range map[string]func(context.Context, *runtime.Client, int) error{
		"a task that enqueues the next": func(ctx context.Context, c *runtime.Client, n int) error {
			_, err := runtime.Enqueue(ctx, c, order{n + 1})
			return err
		},
		"a task that is put off": func(context.Context, *runtime.Client, int) error { return runtime.Snooze(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			kit := runtimetest.New(t, &runtimetest.Options{MaxDeliveries: most})
			ran := 0
			mux := runtime.NewMux(nil)
			runtime.Handle(mux, func(ctx context.Context, task *runtime.Task[order]) error {
				if ran++; ran > 2*most {
					return runtime.Permanent(errBoom)
				}
				return next(ctx, kit.Client(), task.Args.Number)
			})

			got := failure(t, func(tb testing.TB) {
				kit.Inline(tb, mux)
				enqueue(t, kit.Client(), order{1})
			})

			if want := " left after 20 deliveries; raise Options.MaxDeliveries unless they have no end"; !strings.HasPrefix(got, "runtimetest: inline: ") || !strings.Contains(got, want) || ran != most {
				t.Errorf("%d runs, and it fails with %q; want %d and %q", ran, got, most, want)
			}
		})
	}
}

// As it does without: code under test that enqueues too late must notice.
func TestInlineEnqueueHeedsItsContext(t *testing.T) {
	kit, _ := inline(t, nil, func(context.Context, *runtime.Task[mail]) error {
		t.Error("the handler runs")
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := runtime.Enqueue(ctx, kit.Client(), mail{"ann"})

	if !driver.Is(err, driver.Canceled) {
		t.Errorf("enqueue: %v, want Canceled", err)
	}
	runtimetest.RequireNotEnqueued[mail](t, kit)
}

// The handler's context is not the caller's, as it is a worker's otherwise.
func TestInlineHandlersOutliveTheCallersContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	kit, _ := inline(t, nil, func(ctx context.Context, _ *runtime.Task[mail]) error {
		cancel()
		return ctx.Err()
	})

	id, err := runtime.Enqueue(ctx, kit.Client(), mail{"ann"})

	if got := kit.Attempts(id); err != nil || len(got) != 1 || got[0].Verdict != driver.Ack {
		t.Errorf("enqueue: %v, attempts %v; want one that is acked", err, got)
	}
}
