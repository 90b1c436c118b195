package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// outcomeOf is the metric of an outcome of the jobs of these tests.
func outcomeOf(outcome string) string {
	return fmt.Sprintf("longshore.task.outcomes map[longshore.outcome:%s longshore.task.kind:job]", outcome)
}

func TestMetricsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(time.Second), NoJitter: true}, nil)
		snoozed := false
		w.handle(func(_ context.Context, task *runtime.Task[job]) error {
			switch {
			case task.Args.Name == "bad":
				return errBoom
			case task.Args.Name == "shaky" && task.Attempt == 1:
				time.Sleep(2 * time.Second)
				return errBoom
			case task.Args.Name == "sleepy" && !snoozed:
				snoozed = true
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		for _, name := range []string{"good", "shaky", "bad", "sleepy"} {
			w.enqueue(name)
		}
		if _, err := runtime.EnqueueRaw(t.Context(), w.client, runtime.Raw{Kind: "nobodys", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		if r := w.queue.Send(t.Context(), []driver.Message{{Body: []byte("no task")}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		time.Sleep(5 * time.Second)
		w.runFor(time.Hour)
		const jobs = " map[longshore.task.kind:job]"
		dead := func(kind, reason string) string {
			return fmt.Sprintf("longshore.task.outcomes map[longshore.outcome:dead longshore.reason:%s longshore.task.kind:%s]", reason, kind)
		}
		endedAt := func(attempt string) string {
			return fmt.Sprintf("longshore.task.ended map[longshore.task.attempt:%s longshore.task.kind:job]", attempt)
		}
		w.measures(map[string]float64{
			"messaging.client.sent.messages" + jobs:                           4,
			"messaging.client.sent.messages map[longshore.task.kind:nobodys]": 1,
			"messaging.client.consumed.messages":                              4 + 2 + 1 + 1 + 3 + 1, // with retries, and the copy of the one that was snoozed
			outcomeOf("success"):                                              3,
			outcomeOf("retry"):                                                3,
			outcomeOf("snooze"):                                               1,
			dead("job", "max-attempts"):                                       1,
			dead("unknown", "unknown-kind"):                                   1,
			dead("unknown", "undecodable"):                                    1,
			"longshore.task.outcomes map[longshore.outcome:retry longshore.task.kind:unknown]": 2,
			endedAt("1"):                        2,
			endedAt("2"):                        1,
			endedAt("3"):                        1,
			"longshore.task.wait" + jobs:        5, // the one that was snoozed has two
			"sum longshore.task.wait" + jobs:    4 * 5,
			"messaging.process.duration" + jobs: 4, // snoozed too
			"messaging.process.duration map[error.type:_OTHER longshore.task.kind:job]":     4,
			"sum messaging.process.duration map[error.type:_OTHER longshore.task.kind:job]": 2,
			"longshore.task.running": 0,
			"longshore.lease.held":   0,
			"longshore.lease.lost":   0,
			"longshore.forks":        0,
		})
	})
}

func TestLevelsWhileTasksRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, &mem.Options{Hold: 30 * time.Second}, runtime.RetryPolicy{}, nil)
		release := make(chan struct{})
		w.handle(func(context.Context, *runtime.Task[job]) error {
			<-release
			return nil
		})
		for range 3 {
			w.enqueue("a")
		}
		w.enqueue("later", runtime.Delay(time.Hour))
		stop := w.start(runtime.WorkerOptions{Concurrency: 2})
		time.Sleep(time.Minute + time.Second)
		w.measures(map[string]float64{
			"longshore.task.running": 2, "longshore.lease.held": 2, "longshore.queue.oldest.age": 60,
			"longshore.queue.depth map[longshore.state:ready]": 1, "longshore.queue.depth map[longshore.state:leased]": 2, "longshore.queue.depth map[longshore.state:delayed]": 1,
		})
		if n := w.measured()["longshore.lease.extensions"]; n < 8 || n > 20 {
			t.Errorf("%v extensions of two leases within two holds", n)
		}
		close(release)
		synctest.Wait()
		w.measures(map[string]float64{"longshore.task.running": 0, "longshore.lease.held": 0})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for name := range w.measured() {
			if strings.HasPrefix(name, "longshore.queue.") {
				t.Errorf("%s is told after the worker's end", name)
			}
		}
	})
}

func TestLossesForksAndFailuresAreCounted(t *testing.T) {
	t.Run("a lease that is lost while its handler runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, faulty(
				faultqueue.Rule{Op: faultqueue.Extend, Times: 1, Fault: lost()}))
			w.handle(func(ctx context.Context, task *runtime.Task[job]) error {
				if task.Attempt > 1 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			})
			w.enqueue("a")
			w.runFor(time.Minute)
			w.measures(map[string]float64{
				"longshore.lease.lost": 1, outcomeOf("lost"): 1, outcomeOf("success"): 1, "longshore.forks": 0,
				"longshore.lease.extensions map[error.type:lease_lost]":                         1,
				"messaging.process.duration map[error.type:lease_lost longshore.task.kind:job]": 1,
			})
		})
	})
	t.Run("an ack that comes too late after a copy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
				return nonWithdrawer{faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: lost()})}
			})
			r := newRuns()
			w.handle(func(context.Context, *runtime.Task[job]) error {
				if r.add() == 1 {
					return runtime.Snooze(time.Minute)
				}
				return nil
			})
			w.enqueue("a")
			w.runFor(time.Hour)
			w.measures(map[string]float64{"longshore.lease.lost": 1, "longshore.forks": 1, outcomeOf("lost"): 1, outcomeOf("snooze"): 0, outcomeOf("success"): 1})
		})
	})
	t.Run("settles that fail", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, nil, runtime.RetryPolicy{}, faulty(
				faultqueue.Rule{Op: faultqueue.Settle, Times: 2, Fault: faultqueue.FailBefore(errDown)}))
			w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
			w.enqueue("a")
			w.runFor(time.Minute)
			w.measures(map[string]float64{
				"longshore.settle.failures map[longshore.verdict:ack]": 2, outcomeOf("success"): 1, outcomeOf("lost"): 0, "longshore.lease.lost": 0,
			})
		})
	})
	t.Run("a drain that cuts handlers short", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
			w.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
				<-ctx.Done()
				return ctx.Err()
			})
			w.enqueue("a")
			w.runFor(time.Second)
			w.measures(map[string]float64{outcomeOf("interrupted"): 1, "messaging.process.duration map[longshore.task.kind:job]": 1})
			w.want(w.one("process jobs"), map[string]string{"longshore.outcome": "interrupted", "error.type": ""})
		})
	})
	t.Run("a drain while a task of a group is snoozed in its place", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, nil)
			w.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Snooze(10 * time.Minute) })
			w.enqueue("a", runtime.Group("g"))
			w.runFor(time.Minute)
			w.measures(map[string]float64{outcomeOf("snooze"): 1, "longshore.lease.held": 0})
		})
	})
	t.Run("a task of a group that is snoozed in its place", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, nil)
			r := newRuns()
			w.handle(func(context.Context, *runtime.Task[job]) error {
				if r.add() == 1 {
					return runtime.Snooze(time.Minute)
				}
				return nil
			})
			w.enqueue("a", runtime.Group("g"))
			w.runFor(time.Hour)
			w.measures(map[string]float64{
				outcomeOf("snooze"): 1, outcomeOf("success"): 1, "longshore.task.wait map[longshore.task.kind:job]": 1, "longshore.lease.held": 0,
			})
		})
	})
}

// The time that a payload takes from its store is not the handler's.
func TestAFetchIsNoTimeOfTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		shelf := newShelf()
		shelf.getErr = func(int) error { time.Sleep(7 * time.Second); return nil }
		w.mux = runtime.NewMux(&runtime.MuxOptions{Telemetry: w.telemetry, Payloads: &runtime.Payloads{Store: shelf}})
		w.handle(func(context.Context, *runtime.Task[job]) error { time.Sleep(2 * time.Second); return nil })
		ref, err := shelf.Put(t.Context(), "x", []byte(`{"name":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"s","type":"job","time":%q,"dataref":%q}`, time.Now().Format(time.RFC3339), ref)
		if r := w.queue.Send(t.Context(), []driver.Message{{Body: []byte(body)}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		w.runFor(time.Minute)
		w.measures(map[string]float64{
			outcomeOf("success"): 1,
			"sum messaging.process.duration map[longshore.task.kind:job]": 2,
			"sum longshore.task.wait map[longshore.task.kind:job]":        7,
		})
	})
}

// A payload that cannot be fetched because the lease was lost, or the worker ends, is
// counted as a handler that ends so.
func TestAFetchThatIsCutOffIsCounted(t *testing.T) {
	for name, cause := range map[string]error{"lost": runtime.ErrLeaseLost, "interrupted": runtime.ErrDraining} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
				payloads := &runtime.Payloads{Store: newShelf()}
				w.mux = runtime.NewMux(&runtime.MuxOptions{Telemetry: w.telemetry, Payloads: payloads})
				w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
				body := []byte(`{"specversion":"1.0","id":"1","source":"s","type":"job","dataref":"shelf://here/x"}`)
				if r := w.queue.Send(t.Context(), []driver.Message{{Body: body}}); r[0].Err != nil {
					t.Fatal(r[0].Err)
				}
				leases, err := w.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(cause)
				d := w.mux.Dispatch(ctx, runtime.Delivery{Lease: leases[0], Queue: w.queues.All()[0]})
				runtime.Settled{Queue: "jobs", Decision: d}.Tell(nil, nil, nil, nil)
				w.measures(map[string]float64{outcomeOf(name): 1})
			})
		})
	}
}

// A queue that does not tell its depth is asked once; one that fails is asked on, and
// what is not known is not told.
func TestDepthIsAskedForAsOftenAsItHelps(t *testing.T) {
	tests := map[string]struct {
		err  error
		asks int
	}{
		"told":        {nil, 11},
		"unsupported": {driver.Errorf(driver.Unsupported, "test", "no"), 1},
		"failing":     {errDown, 11},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := new(counting)
				w := newWatched(t, nil, runtime.RetryPolicy{}, func(inner driver.Queue) driver.Queue {
					q.Queue, q.err = inner, tt.err
					return q
				})
				w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
				stop := w.start(runtime.WorkerOptions{})
				time.Sleep(5*time.Minute + time.Second)
				_, told := w.measured()["longshore.queue.depth map[longshore.state:ready]"]
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if n := int(q.asked.Load()); n != tt.asks || told != (tt.err == nil) {
					t.Errorf("asked %d times, told %v; want %d, %v", n, told, tt.asks, tt.err == nil)
				}
				if n := strings.Count(w.log.String(), "does not tell its depth"); tt.err == errDown && n != 1 {
					t.Errorf("logged %d times", n)
				}
			})
		})
	}
}

// A number that was meant to be seconds does not ask the broker without pause.
func TestDepthIsAskedForOnceASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := new(counting)
		w := newWatched(t, nil, runtime.RetryPolicy{}, func(inner driver.Queue) driver.Queue {
			q.Queue = inner
			return q
		})
		w.with(runtime.TelemetryOptions{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader)), DepthEvery: 10 * time.Millisecond})
		w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		stop := w.start(runtime.WorkerOptions{})
		time.Sleep(10*time.Second + time.Millisecond)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := q.asked.Load(); n != 11 {
			t.Errorf("asked %d times in ten seconds", n)
		}
	})
}

// counting counts how often it is asked for its depth.
type counting struct {
	driver.Queue
	err   error
	asked atomic.Int64
}

func (q *counting) Stats(ctx context.Context) (driver.Stats, error) {
	q.asked.Add(1)
	if q.err != nil {
		return driver.Stats{}, q.err
	}
	return q.Queue.Stats(ctx)
}

// A client that makes up kinds does not make up metrics.
func TestKindsAreLimited(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	for i := range 500 {
		if _, err := runtime.EnqueueRaw(t.Context(), w.client, runtime.Raw{Kind: fmt.Sprint("kind", i), Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
	}
	all, kinds := w.measured(), 0
	for name := range all {
		if strings.HasPrefix(name, "messaging.client.sent.messages") {
			kinds++
		}
	}
	if other := all["messaging.client.sent.messages map[longshore.task.kind:_OTHER]"]; kinds > 101 || other < 399 {
		t.Errorf("%d kinds are told apart, %v messages are of others", kinds, other)
	}
}

// A collector that does not answer holds up no task and no drain.
func TestADeadCollectorHoldsUpNothing(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	hang := deadCollector{make(chan struct{})}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithBatcher(hang, sdktrace.WithMaxQueueSize(64), sdktrace.WithMaxExportBatchSize(16), sdktrace.WithBatchTimeout(time.Millisecond)))
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	w.with(runtime.TelemetryOptions{TracerProvider: tracing, MeterProvider: metrics})
	const tasks = 5000
	var done sync.WaitGroup
	done.Add(tasks)
	w.handle(func(context.Context, *runtime.Task[job]) error { done.Done(); return nil })
	stop := w.start(runtime.WorkerOptions{Concurrency: 20})
	for _, r := range runtime.EnqueueMany(t.Context(), w.client, make([]job, tasks)) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	ended := make(chan error, 1)
	go func() {
		done.Wait()
		ended <- stop()
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the worker has not ended")
	}
	w.stats(0, 0, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := tracing.Shutdown(ctx); err == nil {
		t.Error("the collector has answered")
	}
	close(hang.stop)
}

// deadCollector is an exporter whose collector does not answer.
type deadCollector struct{ stop chan struct{} }

func (h deadCollector) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	<-h.stop
	return nil
}
func (h deadCollector) Shutdown(context.Context) error { return nil }

// What an application brings may panic: its tasks are done all the same, at the first
// attempt, and it is told once.
func TestTelemetryThatPanicsLosesNoTask(t *testing.T) {
	tests := map[string]runtime.TelemetryOptions{
		"tracer":     {TracerProvider: panicProvider{}},
		"span":       {TracerProvider: panicProvider{spans: true}},
		"propagator": {Propagator: panicPropagator{}},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
				w.with(o)
				var attempts []int
				w.handle(func(_ context.Context, task *runtime.Task[job]) error {
					attempts = append(attempts, task.Attempt)
					return nil
				})
				w.enqueue("a")
				for _, r := range runtime.EnqueueMany(t.Context(), w.client, make([]job, 2)) {
					if r.Err != nil {
						t.Fatal(r.Err)
					}
				}
				stop := w.start(runtime.WorkerOptions{Concurrency: 1})
				time.Sleep(time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				w.stats(0, 0, 0)
				if !slices.Equal(attempts, []int{1, 1, 1}) {
					t.Errorf("attempts %v", attempts)
				}
				if n := strings.Count(w.log.String(), "telemetry panicked"); n != 1 {
					t.Errorf("logged %d times:\n%s", n, w.log)
				}
			})
		})
	}
}

type panicProvider struct {
	embedded.TracerProvider
	spans bool
}

func (p panicProvider) Tracer(string, ...trace.TracerOption) trace.Tracer {
	return panicTracer{spans: p.spans}
}

type panicTracer struct {
	embedded.Tracer
	spans bool
}

func (p panicTracer) Start(ctx context.Context, _ string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !p.spans {
		panic("tracer")
	}
	return ctx, panicSpan{trace.SpanFromContext(context.Background())}
}

type panicSpan struct{ trace.Span }

func (panicSpan) IsRecording() bool { panic("span") }

type panicPropagator struct{ propagation.TraceContext }

func (panicPropagator) Inject(context.Context, propagation.TextMapCarrier) { panic("inject") }

// An application's propagator decides what a trace context looks like.
func TestAnApplicationsPropagator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		w.with(runtime.TelemetryOptions{
			TracerProvider: w.tracing, DepthEvery: -1,
			Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		})
		w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		w.enqueue("a")
		w.runFor(time.Minute)
		if s := w.one("process jobs"); s.Parent().SpanID() != w.one("send jobs").SpanContext().SpanID() {
			t.Errorf("parent %v", s.Parent())
		}
	})
}
