package lambdaentry_test

import (
	"context"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

// Close with a context that ends without warning still ends those of the handlers.
func TestCloseWithoutADeadlineEndsContexts(t *testing.T) {
	for range 20 { // it was by chance
		ended := make(chan error, 1)
		on(t, "orders", func(ctx context.Context, _ *runtime.Task[work]) error {
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			ended <- context.Cause(ctx)
			return ctx.Err()
		}, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
			ended = make(chan error, 1) // of this bubble
			for range 60 {              // so that it takes a moment to give them back
				f.enqueue("x")
			}
			e := f.event(60)
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				_, _ = f.h.Handle(f.Context(), e) // an error: the process is at its end
			}()
			time.Sleep(time.Second)
			ctx, cancel := context.WithCancel(f.Context())
			cancel()
			_ = f.h.Close(ctx) // what it says is another test's
			start := time.Now()
			if cause := <-ended; cause != runtime.ErrDraining || time.Since(start) > 0 {
				t.Errorf("the context ended with %v after %v", cause, time.Since(start))
			}
			<-answered
		})
	}
}

// What a context that ended early leaves unstarted is not run with it.
func TestNothingIsStartedOnAContextThatEnded(t *testing.T) {
	ran := 0
	on(t, "orders", func(ctx context.Context, _ *runtime.Task[work]) error {
		ran++
		<-ctx.Done()
		return ctx.Err()
	}, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		for range 3 {
			f.enqueue("x")
		}
		e := f.event(3)
		ctx, cancel := context.WithCancel(f.Context())
		time.AfterFunc(time.Second, cancel)
		answer, err := f.h.Handle(ctx, e)
		if err != nil || len(answer.BatchItemFailures) != 3 || ran != 1 {
			t.Errorf("%d tasks ran: %v, %v; want that the others go back unstarted", ran, answer, err)
		}
		if got := f.sum(); got.Unstarted != 2 {
			t.Errorf("the invocation came to %+v; want two unstarted", got)
		}
	})
}

// Telemetry is sent also when the queue is down, which is when it is wanted.
func TestTelemetryIsFlushedWhenSettlesAreCutOff(t *testing.T) {
	var left time.Duration
	var ended error
	flush := func(ctx context.Context) error {
		end, _ := ctx.Deadline()
		left, ended = time.Until(end), ctx.Err()
		return nil
	}
	on(t, "orders", does, &lambdaentry.Options{Flush: flush}, func(f *function) {
		f.enqueue("fail")
		e := f.event(1)
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Hang()})
		f.invoke(e, 5*time.Second)
		if left <= 0 || ended != nil {
			t.Errorf("the flush had %v and a context that says %v", left, ended)
		}
	})
}

// A flush that heeds nothing costs its time, not the answer.
func TestAFlushThatHangsIsLeft(t *testing.T) {
	var began atomic.Int32
	flush := func(context.Context) error {
		began.Add(1)
		time.Sleep(time.Hour) // in virtual time
		return nil
	}
	on(t, "orders", does, &lambdaentry.Options{Flush: flush}, func(f *function) {
		for range 2 {
			f.enqueue("ok")
			start := time.Now()
			if failed := f.invoke(f.event(1), 30*time.Second); len(failed) != 0 || time.Since(start) > 3*time.Second {
				t.Errorf("the answer names %q after %v", failed, time.Since(start))
			}
		}
		time.Sleep(2 * time.Hour) // the flush ends
		if n := began.Load(); n != 1 || strings.Count(f.log.String(), "telemetry was not flushed") != 2 {
			t.Errorf("%d flushes; want that none is begun beside one that hangs: %s", n, f.log)
		}
	})
}

// An invocation that times out tells of what was settled before.
func TestATimeoutTellsOfWhatWasSettled(t *testing.T) {
	flushed := false
	var dead []string
	opts := &lambdaentry.Options{
		Flush:  func(context.Context) error { flushed = true; return nil },
		OnDead: func(s runtime.Settled) { dead = append(dead, s.MessageID) },
	}
	on(t, "orders", does, opts, func(f *function) {
		f.enqueue("bury")
		f.enqueue("ignore")
		if _, err := f.try(f.event(2), 10*time.Second); err == nil {
			t.Error("the invocation did not time out")
		}
		if len(dead) != 1 || len(f.settled) != 1 || !flushed {
			t.Errorf("%d dead and %d settled tasks were told of, flushed: %v", len(dead), len(f.settled), flushed)
		}
		time.Sleep(2 * time.Hour) // the handler ends
	})
}

// A handler that ends its goroutine has failed, and nothing else has.
func TestAHandlerThatEndsItsGoroutine(t *testing.T) {
	for _, name := range []string{"orders", "orders.fifo"} {
		t.Run(name, func(t *testing.T) {
			on(t, name, func(_ context.Context, task *runtime.Task[work]) error {
				if task.Args.Do == "exit" {
					goruntime.Goexit()
				}
				return nil
			}, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
				for _, do := range []string{"exit", "a", "b"} {
					if name == "orders" {
						f.enqueue(do)
					} else {
						f.enqueue(do, runtime.Group("g"+do))
					}
				}
				start := time.Now()
				failed := f.invoke(f.event(3), 30*time.Second)
				if d := time.Since(start); d > time.Second || !slices.Equal(failed, []string{"exit"}) {
					t.Errorf("after %v the answer names %q; want the one that failed, at once", d, failed)
				}
				if got := f.sum(); got.Retried != 1 || got.Done != 2 {
					t.Errorf("the invocation came to %+v", got)
				}
				ctx, cancel := context.WithTimeout(f.Context(), time.Second)
				defer cancel()
				if err := f.h.Close(ctx); err != nil && !driver.Is(err, driver.Closed) {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}
