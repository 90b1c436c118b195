package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// runFor runs a worker for a time on one task, in a bubble.
func (b *bench) runFor(d time.Duration) {
	b.Helper()
	b.enqueue("a")
	stop := b.start(runtime.WorkerOptions{})
	time.Sleep(d)
	if err := stop(); err != nil {
		b.Fatal(err)
	}
}

func TestATaskIsAckedAfterItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		got := make(chan *runtime.Task[job], 1)
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			b.stats(0, 1, 0)
			got <- task
			return nil
		})
		id := b.enqueue("a", runtime.Attribute("tenant", "t1"))
		stop := b.start(runtime.WorkerOptions{})
		task := <-got
		synctest.Wait()
		b.stats(0, 0, 0)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if task.ID != id || task.Kind != "job" || task.Attempt != 1 || task.MaxAttempts != 5 || task.Queue != "jobs" ||
			task.Args.Name != "a" || task.Attributes["tenant"] != "t1" || time.Since(task.EnqueuedAt) > time.Second {
			t.Errorf("task %+v", task)
		}
	})
}

func TestFailuresRetryWithThePolicyAndThenDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Exponential(time.Minute, time.Hour), NoJitter: true}, nil)
		r := newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			n := r.add()
			if task.Attempt != n {
				t.Errorf("run %d is attempt %d", n, task.Attempt)
			}
			return fmt.Errorf("boom %d", n)
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour)
		if want := []time.Duration{0, time.Minute, 3 * time.Minute}; !slices.Equal(r.all(), want) {
			t.Errorf("ran at %v, want %v", r.all(), want)
		}
		dead := b.dead()
		if d := dead.Death; d.Reason != driver.ReasonExhausted || d.Attempts != 3 || d.Queue != "jobs" || d.Detail != "boom 3; first error: boom 1" {
			t.Errorf("death record %+v", d)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatAHandlerReturnsDecides(t *testing.T) {
	never := errors.New("never again")
	for name, c := range map[string]struct {
		err    error
		panics any
		runs   int
		reason string
		detail string
	}{
		"permanent":            {err: runtime.Permanent(errBoom), runs: 1, reason: driver.ReasonPermanent, detail: "boom"},
		"permanent of nothing": {err: runtime.Permanent(nil), runs: 1, reason: driver.ReasonPermanent, detail: "permanent failure"},
		"wrapped permanent": {err: fmt.Errorf("mail: %w", runtime.Permanent(errBoom)), runs: 1,
			reason: driver.ReasonPermanent, detail: "mail: boom"},
		"an error that never retries": {err: fmt.Errorf("mail: %w", never), runs: 1, reason: driver.ReasonPermanent, detail: "mail: never again"},
		"panic":                       {panics: "ouch", runs: 2, reason: driver.ReasonExhausted, detail: "panic: ouch"},
		"retry after":                 {err: runtime.RetryAfter(time.Second, errBoom), runs: 2, reason: driver.ReasonExhausted, detail: "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 2, Never: []error{never}}, nil)
				var n atomic.Int64
				b.handle(func(context.Context, *runtime.Task[job]) error {
					n.Add(1)
					if c.panics != nil {
						panic(c.panics)
					}
					return c.err
				})
				b.runFor(time.Hour)
				if int(n.Load()) != c.runs {
					t.Errorf("ran %d times, want %d", n.Load(), c.runs)
				}
				if d := b.dead().Death; d.Reason != c.reason || d.Detail != c.detail {
					t.Errorf("death record %+v, want %s, %q", d, c.reason, c.detail)
				}
			})
		})
	}
}

func TestWhatIsNoTaskDiesAndNamesWhy(t *testing.T) {
	for name, c := range map[string]struct {
		message driver.Message
		reason  string
		after   time.Duration
	}{
		"no event":       {driver.Message{Body: []byte("hello")}, driver.ReasonUndecodable, 0},
		"broken event":   {driver.Message{Body: []byte(`{"specversion":"1.0"}`)}, driver.ReasonUndecodable, 0},
		"wrong payload":  {event("job", `"secret"`), driver.ReasonUndecodable, 0},
		"unknown kind":   {event("other", `{}`), driver.ReasonUnknownKind, 4 * time.Minute},
		"binary payload": {event("job", `{}`, `"datacontenttype":"x/y"`), driver.ReasonUndecodable, 0},
		"expired":        {event("job", `{}`, `"expirytime":"1999-01-01T00:00:00Z"`), driver.ReasonExpired, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{Backoff: runtime.Fixed(0)}, nil)
				b.handle(func(context.Context, *runtime.Task[job]) error {
					t.Error("the handler was run")
					return nil
				})
				if r := b.queue.Send(t.Context(), []driver.Message{c.message}); r[0].Err != nil {
					t.Fatal(r[0].Err)
				}
				stop := b.start(runtime.WorkerOptions{})
				time.Sleep(c.after + time.Second)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				d := b.dead()
				if d.Death.Reason != c.reason {
					t.Errorf("death record %+v, want %s", d.Death, c.reason)
				}
				if !slices.Equal(d.Body, c.message.Body) {
					t.Errorf("the dead body is %q", d.Body)
				}
				if strings.Contains(d.Death.Detail+b.log.String(), "secret") {
					t.Errorf("a payload leaked: %s %s", d.Death.Detail, b.log)
				}
			})
		})
	}
}

// event is a task as a foreign producer would write it.
func event(kind, data string, more ...string) driver.Message {
	members := append([]string{`"specversion":"1.0"`, `"id":"x1"`, `"source":"test"`, `"type":"` + kind + `"`, `"data":` + data}, more...)
	return driver.Message{Body: []byte("{" + strings.Join(members, ",") + "}")}
}

func TestAHandlerLongerThanItsHoldRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 10 * time.Second}, runtime.RetryPolicy{}, nil)
		var n atomic.Int64
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			n.Add(1)
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
				t.Errorf("cancelled: %v", context.Cause(ctx))
			}
			return nil
		})
		for range 25 {
			b.enqueue("a")
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 10})
		time.Sleep(10 * time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n.Load() != 25 {
			t.Errorf("ran %d times, want 25", n.Load())
		}
		b.stats(0, 0, 0)
	})
}

func TestATimeoutEndsTheHandlersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), runtime.ErrTimeout) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			return ctx.Err()
		}, runtime.Timeout(time.Minute))
		b.runFor(time.Minute + time.Second)
		if d := b.dead().Death; d.Reason != driver.ReasonExhausted || !strings.HasPrefix(d.Detail, runtime.ErrTimeout.Error()+" after 1m0s") {
			t.Errorf("death record %+v", d)
		}
	})
}

func TestAHandlerThatEndsItsGoroutineIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		var n atomic.Int64
		b.handle(func(context.Context, *runtime.Task[job]) error {
			if n.Add(1) == 1 {
				goexit()
			}
			return nil
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n.Load() != 2 {
			t.Errorf("ran %d times, want 2", n.Load())
		}
		b.stats(0, 0, 0)
	})
}

func TestDrainGivesBackWhatWasNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		var n atomic.Int64
		started := make(chan struct{}, 100)
		b.handle(func(context.Context, *runtime.Task[job]) error {
			n.Add(1)
			started <- struct{}{}
			time.Sleep(20 * time.Second)
			return nil
		})
		for range 5 {
			b.enqueue("a")
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 2})
		<-started
		begin := time.Now()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if n.Load() > 2 {
			t.Errorf("%d handlers were started, want at most 2", n.Load())
		}
		b.stats(5-n.Load(), 0, 0)
	})
}

func TestDrainTellsHandlersNearItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		started := make(chan struct{}, 1)
		told := make(chan time.Time, 1)
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			started <- struct{}{}
			<-ctx.Done()
			told <- time.Now()
			if context.Cause(ctx) != runtime.ErrDraining {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			return ctx.Err()
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{Grace: time.Minute})
		<-started
		begin := time.Now()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if at := (<-told).Sub(begin); at != 57*time.Second {
			t.Errorf("told after %v, want 57s", at)
		}
		b.stats(1, 0, 0) // cut short, which is no failure, although this was the last attempt
	})
}

func TestDrainLeavesWhatIgnoresItToExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		started := make(chan struct{}, 1)
		release := make(chan struct{})
		b.handle(func(context.Context, *runtime.Task[job]) error {
			started <- struct{}{}
			<-release
			return nil
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{Grace: 10 * time.Second})
		<-started
		begin := time.Now()
		err := stop()
		if !driver.Is(err, driver.DeadlineExceeded) || !strings.Contains(err.Error(), "1 handlers did not return") {
			t.Errorf("run: %v", err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the drain took %v", took)
		}
		b.stats(0, 1, 0)
		close(release)
		synctest.Wait()
		b.stats(0, 1, 0) // what it returned is dropped
		time.Sleep(time.Minute)
		b.stats(1, 0, 0)
	})
}

func TestTheStartUpCheckNamesSettingAndFix(t *testing.T) {
	for name, c := range map[string]struct {
		mem     mem.Options
		retry   runtime.RetryPolicy
		worker  runtime.WorkerOptions
		timeout time.Duration
		want    string
	}{
		"no dead letter":  {mem: mem.Options{NoDeadLetter: true}, want: "no dead letter"},
		"broker limit":    {mem: mem.Options{MaxReceives: 14}, want: "limit 14 is below 15"},
		"more attempts":   {mem: mem.Options{MaxReceives: 20}, retry: runtime.RetryPolicy{MaxAttempts: 8}, want: "limit 20 is below 21"},
		"hold too long":   {worker: runtime.WorkerOptions{Hold: 13 * time.Hour}, want: "hold 13h0m0s is not within"},
		"hold too short":  {worker: runtime.WorkerOptions{Hold: time.Millisecond}, want: "hold 1ms is not within"},
		"timeout too big": {timeout: 13 * time.Hour, want: "timeout 13h0m0s of kind \"job\" does not fit into the 12h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &c.mem, c.retry, nil)
			var opts []runtime.HandleOption
			if c.timeout > 0 {
				opts = append(opts, runtime.Timeout(c.timeout))
			}
			b.handle(func(context.Context, *runtime.Task[job]) error { return nil }, opts...)
			w, err := runtime.NewWorker(b.queues, b.mux, &c.worker)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Run(t.Context())
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"jobs"`) {
				t.Errorf("run: %v, want %q", err, c.want)
			}
		})
	}
}

func TestAWorkerRefusesWhatCannotWork(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	nop := func(context.Context, *runtime.Task[job]) error { return nil }
	mux := func(register func(m *runtime.Mux)) *runtime.Mux {
		m := runtime.NewMux(nil)
		register(m)
		return m
	}
	good := mux(func(m *runtime.Mux) { runtime.Handle(m, nop) })
	muxOf := func(o runtime.MuxOptions) *runtime.Mux {
		m := runtime.NewMux(&o)
		runtime.Handle(m, nop)
		return m
	}
	for name, c := range map[string]struct {
		mux    *runtime.Mux
		queues *runtime.Queues
		opts   runtime.WorkerOptions
		want   string
	}{
		"no mux":         {want: "no mux"},
		"no handler":     {mux: mux(func(*runtime.Mux) {}), want: "no handler is registered"},
		"duplicate kind": {mux: mux(func(m *runtime.Mux) { runtime.Handle(m, nop); runtime.Handle(m, nop) }), want: `kind "job" has two handlers`},
		"illegal kind":   {mux: mux(func(m *runtime.Mux) { m.HandleRaw("a b", nil) }), want: "byte 0x20 at 1"},
		"nil handler":    {mux: mux(func(m *runtime.Mux) { runtime.Handle[job](m, nil) }), want: `kind "job": the handler`},
		"nil raw":        {mux: mux(func(m *runtime.Mux) { m.HandleRaw("a", nil) }), want: `kind "a": the handler`},
		"nil pointer": {mux: mux(func(m *runtime.Mux) {
			runtime.Handle(m, func(context.Context, *runtime.Task[*job]) error { return nil })
		}), want: "type *runtime_test.job: Kind panics"},
		"nil middleware": {mux: muxOf(runtime.MuxOptions{Middleware: []runtime.Middleware{nil}}), want: "middleware 0 is nil"},
		"middleware to nil": {mux: muxOf(runtime.MuxOptions{Middleware: []runtime.Middleware{
			func(runtime.HandlerFunc) runtime.HandlerFunc { return nil }}}), want: `kind "job": the handler, or what middleware`},
		"nil codec":        {mux: muxOf(runtime.MuxOptions{Codecs: []runtime.Codec{nil}}), want: "codec 0 is nil"},
		"codec of nothing": {mux: muxOf(runtime.MuxOptions{Codecs: []runtime.Codec{typed("")}}), want: "codec 0 has no content type"},
		"two codecs": {mux: muxOf(runtime.MuxOptions{Codecs: []runtime.Codec{typed("a/b"), typed("A/B; x=y")}}),
			want: `content type "a/b" has two codecs`},
		"policy": {mux: mux(func(m *runtime.Mux) { runtime.Handle(m, nop, runtime.Retry(runtime.RetryPolicy{MaxAttempts: -1})) }),
			want: "max attempts -1"},
		"timeout":     {mux: mux(func(m *runtime.Mux) { runtime.Handle(m, nop, runtime.Timeout(-1)) }), want: "timeout is not above 0"},
		"no queue":    {mux: good, queues: new(runtime.Queues), want: "no queue"},
		"queue name":  {mux: good, opts: runtime.WorkerOptions{Queues: []string{"nope"}}, want: `queue "nope"`},
		"named twice": {mux: good, opts: runtime.WorkerOptions{Queues: []string{"jobs", "jobs"}}, want: "twice"},
		"concurrency": {mux: good, opts: runtime.WorkerOptions{Concurrency: -1}, want: "concurrency -1"},
		"hold":        {mux: good, opts: runtime.WorkerOptions{Hold: -1}, want: "hold -1ns is negative"},
		"grace":       {mux: good, opts: runtime.WorkerOptions{Grace: time.Millisecond}, want: "grace 1ms"},
		"long grace":  {mux: good, opts: runtime.WorkerOptions{Grace: 25 * time.Hour}, want: "grace 25h0m0s is not within"},
		"settle":      {mux: good, opts: runtime.WorkerOptions{SettleTimeout: -1}, want: "settle timeout -1ns"},
		"long settle": {mux: good, opts: runtime.WorkerOptions{SettleTimeout: math.MaxInt64}, want: "settle timeout 2562047h47m16.854775807s is not within"},
	} {
		t.Run(name, func(t *testing.T) {
			queues := c.queues
			if queues == nil {
				queues = b.queues
			}
			_, err := runtime.NewWorker(queues, c.mux, &c.opts)
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("new worker: %v, want %q", err, c.want)
			}
		})
	}
}
