package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func TestATaskIsOneTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		tracer := w.tracing.Tracer("application")
		w.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			_, span := tracer.Start(ctx, "inner")
			span.End()
			return nil
		})
		ctx, outer := tracer.Start(t.Context(), "outer")
		id, err := runtime.Enqueue(ctx, w.client, job{"secret"})
		if err != nil {
			t.Fatal(err)
		}
		outer.End()
		w.runFor(time.Minute)

		send, process, receive, settle, inner := w.named("send jobs")[0], w.named("process jobs")[0], w.named("receive jobs")[0], w.named("settle jobs")[0], w.named("inner")[0]
		for _, c := range []struct {
			span   sdktrace.ReadOnlySpan
			kind   trace.SpanKind
			parent trace.SpanContext
		}{
			{send, trace.SpanKindProducer, outer.SpanContext()},
			{process, trace.SpanKindConsumer, send.SpanContext()},
			{inner, trace.SpanKindInternal, process.SpanContext()},
			{settle, trace.SpanKindClient, process.SpanContext()},
		} {
			if c.span.SpanKind() != c.kind || c.span.Parent().SpanID() != c.parent.SpanID() || c.span.SpanContext().TraceID() != outer.SpanContext().TraceID() {
				t.Errorf("%s has kind %v, parent %v; want %v, %v", c.span.Name(), c.span.SpanKind(), c.span.Parent().SpanID(), c.kind, c.parent.SpanID())
			}
		}
		if receive.SpanKind() != trace.SpanKindClient || receive.Parent().IsValid() || !linked(receive, send) {
			t.Errorf("the receive has kind %v, parent %v, links %v", receive.SpanKind(), receive.Parent(), receive.Links())
		}
		if !linked(process, send) || !linked(settle, process) {
			t.Errorf("process has links %v, settle %v", process.Links(), settle.Links())
		}
		w.want(send, map[string]string{
			"messaging.system": "longshore_mem", "messaging.destination.name": "jobs", "messaging.operation.name": "send", "messaging.operation.type": "send",
			"longshore.task.kind": "job", "longshore.task.id": string(id),
		})
		w.want(process, map[string]string{
			"messaging.operation.name": "process", "messaging.operation.type": "process", "messaging.message.id": attributesOf(send)["messaging.message.id"],
			"longshore.task.id": string(id), "longshore.task.attempt": "1", "longshore.outcome": "success", "error.type": "",
		})
		w.want(receive, map[string]string{"messaging.operation.type": "receive", "messaging.batch.message_count": "1"})
		w.want(settle, map[string]string{"messaging.operation.type": "settle", "longshore.verdict": "ack", "longshore.task.id": string(id)})
		if attributesOf(send)["messaging.message.id"] == "" {
			t.Error("the send has no message id")
		}
		if text := fmt.Sprint(w.spans.Ended()); strings.Contains(text, "secret") {
			t.Error("a span has the payload")
		}
	})
}

// runFor runs the worker for some time.
func (w *watched) runFor(d time.Duration) {
	w.Helper()
	stop := w.start(runtime.WorkerOptions{})
	time.Sleep(d)
	if err := stop(); err != nil {
		w.Fatal(err)
	}
}

func TestRetriesAndRedrivesStayInTheTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{MaxAttempts: 2, Backoff: runtime.Fixed(time.Second)}, nil)
		w.handle(func(context.Context, *runtime.Task[job]) error { return errBoom })
		w.enqueue("a")
		w.runFor(time.Minute)
		if _, err := runtime.Redrive(t.Context(), w.queues, "jobs", nil); err != nil {
			t.Fatal(err)
		}
		w.runFor(time.Minute)
		send := w.one("send jobs")
		var outcomes []string
		for _, s := range w.named("process jobs") {
			if s.Parent().SpanID() != send.SpanContext().SpanID() {
				t.Errorf("an attempt has parent %v, want %v", s.Parent().SpanID(), send.SpanContext().SpanID())
			}
			a := attributesOf(s)
			outcomes = append(outcomes, a["longshore.task.attempt"]+" "+a["longshore.outcome"])
			if s.Status().Code != codes.Error || s.Status().Description != "boom" {
				t.Errorf("status %v", s.Status())
			}
		}
		if want := []string{"1 retry", "2 dead", "1 retry", "2 dead"}; !slices.Equal(outcomes, want) {
			t.Errorf("attempts ended with %v, want %v", outcomes, want)
		}
	})
}

func TestWhatFailsSaysWhyAndNeverWhat(t *testing.T) {
	tests := []struct {
		name, kind, outcome string
		handler             func() error
	}{
		{"panic", "panic", "dead", func() error { panic("oh") }},
		{"goexit", "goexit", "dead", func() error { goexit(); return nil }},
		{"permanent", "permanent", "dead", func() error { return runtime.Permanent(errBoom) }},
		{"code", "throttled", "dead", func() error { return driver.Errorf(driver.Throttled, "x", "slow") }},
		{"other", "_OTHER", "dead", func() error { return errBoom }},
		{"evil", "", "dead", func() error { return evilError{} }},
		{"snooze", "", "snooze", func() error { return runtime.Snooze(time.Hour) }},
		{"skip", "", "success", func() error { return runtime.ErrSkip }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
				w.handle(func(context.Context, *runtime.Task[job]) error { return tt.handler() })
				w.enqueue("a")
				w.runFor(time.Minute)
				s := w.one("process jobs")
				if tt.name == "evil" { // its methods panic: what counts is that the task is dead
					w.stats(0, 0, 1)
					return
				}
				w.want(s, map[string]string{"error.type": tt.kind, "longshore.outcome": tt.outcome})
				if failed := s.Status().Code == codes.Error; failed != (tt.kind != "") {
					t.Errorf("status %v", s.Status())
				}
				if tt.kind != "panic" {
					return
				}
				e := s.Events()
				if len(e) != 1 || e[0].Name != "exception" {
					t.Fatalf("events %v", e)
				}
				if text := fmt.Sprint(e[0].Attributes); !strings.Contains(text, "telemetry_spans_test.go") || !strings.Contains(text, "oh") {
					t.Errorf("exception %s", text)
				}
			})
		})
	}
}

// evilError panics when it is looked at.
type evilError struct{}

func (evilError) Error() string { panic("evil") }

func TestAPayloadThatDoesNotDecodeIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		runtime.Handle(w.mux, func(context.Context, *runtime.Task[moment]) error { return nil })
		if _, err := runtime.EnqueueRaw(t.Context(), w.client, runtime.Raw{Kind: "moment", Data: []byte(`{"at":"secret"}`)}); err != nil {
			t.Fatal(err)
		}
		w.runFor(time.Minute)
		s := w.one("process jobs")
		w.want(s, map[string]string{"error.type": "undecodable", "longshore.reason": "undecodable"})
		if s.Status().Description != "the payload does not decode" {
			t.Errorf("status %v", s.Status())
		}
	})
}

type moment struct {
	At time.Time `json:"at"`
}

func (moment) Kind() string { return "moment" }

func TestEnqueueManyIsOneSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		for _, r := range runtime.EnqueueMany(t.Context(), w.client, make([]job, 30)) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		w.runFor(time.Minute)
		send := w.one("send jobs")
		w.want(send, map[string]string{"messaging.batch.message_count": "30", "longshore.task.id": ""})
		runs := w.named("process jobs")
		for _, s := range runs {
			if s.Parent().SpanID() != send.SpanContext().SpanID() {
				t.Error("a run is not the send's child")
			}
		}
		w.measures(map[string]float64{"messaging.client.sent.messages map[longshore.task.kind:job]": 30, "messaging.client.consumed.messages": 30})
		if len(runs) != 30 {
			t.Errorf("%d runs", len(runs))
		}
	})
}

func TestASendThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		if err := w.queue.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := runtime.Enqueue(t.Context(), w.client, job{"a"}); !driver.Is(err, driver.Closed) {
			t.Fatal(err)
		}
		s := w.one("send jobs")
		w.want(s, map[string]string{"error.type": "closed"})
		if s.Status().Code != codes.Error {
			t.Errorf("status %v", s.Status())
		}
		w.measures(map[string]float64{"messaging.client.sent.messages map[error.type:closed longshore.task.kind:job]": 1})
		if _, err := runtime.Enqueue(t.Context(), w.client, job{strings.Repeat("x", 10<<20)}); !driver.Is(err, driver.TooLarge) {
			t.Fatal(err)
		}
		if all := w.named("send jobs"); len(all) != 2 || attributesOf(all[1])["error.type"] != "too_large" {
			t.Errorf("%d spans", len(all))
		}
	})
}

// A producer that does not trace, or one of another kind, leaves what it wants.
func TestForeignTraceContext(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tests := map[string]struct {
		parent, state string
		child         bool
		wantState     string
	}{
		"good":                        {good, "a=1,b=2", true, "a=1,b=2"},
		"a later version":             {"01" + good[2:] + "-more", "", true, ""},
		"a state that is not legal":   {good, "=,=", true, ""},
		"none":                        {"", "a=1", false, ""},
		"garbage":                     {"garbage", "", false, ""},
		"upper case":                  {strings.ToUpper(good), "", false, ""},
		"version 255":                 {"ff" + good[2:], "", false, ""},
		"too long for its version":    {good + "-more", "", false, ""},
		"a later version without -":   {"01" + good[2:] + "more", "", false, ""},
		"no trace":                    {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "", false, ""},
		"no span":                     {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "", false, ""},
		"far too long":                {"01" + good[2:] + "-" + strings.Repeat("x", 10_000), "", false, ""},
		"other separators":            {strings.ReplaceAll(good, "-", "_"), "", false, ""},
		"a state with too many parts": {good, strings.Repeat("a=1,", 100) + "b=2", true, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
				w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
				body := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"foreign","type":"job","traceparent":%q,"tracestate":%q,"data":{"name":"a"}}`, tt.parent, tt.state)
				if tt.parent == "" {
					body = strings.Replace(body, `"traceparent":"",`, "", 1)
				}
				if tt.state == "" {
					body = strings.Replace(body, `"tracestate":"",`, "", 1)
				}
				if r := w.queue.Send(t.Context(), []driver.Message{{Body: []byte(body)}}); r[0].Err != nil {
					t.Fatal(r[0].Err)
				}
				w.runFor(time.Minute)
				s := w.one("process jobs")
				if child := s.Parent().IsValid(); child != tt.child {
					t.Errorf("parent %v", s.Parent())
				}
				if state := s.SpanContext().TraceState().String(); state != tt.wantState {
					t.Errorf("state %q, want %q", state, tt.wantState)
				}
			})
		})
	}
}

// What the trace has to say beyond what the recommendation asks for does not travel,
// and what travels counts as the task's.
func TestATraceStateIsCutToWhatTravels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		var got trace.SpanContext
		w.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			got = trace.SpanContextFromContext(ctx)
			return nil
		})
		var state trace.TraceState
		for i := range 32 { // the last inserted comes first
			length := 20
			if i == 31 {
				length = 200
			}
			var err error
			if state, err = state.Insert(fmt.Sprintf("key%d", i), strings.Repeat("v", length)); err != nil {
				t.Fatal(err)
			}
		}
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
		}))
		if _, err := runtime.Enqueue(ctx, w.client, job{"a"}); err != nil {
			t.Fatal(err)
		}
		w.runFor(time.Minute)
		text := got.TraceState().String()
		if len(text) > 512 || len(text) < 450 || !strings.HasPrefix(text, "key30=") {
			t.Errorf("%d bytes of state: %s", len(text), text)
		}
		// A task that fits without its trace and not with it is refused here, not by
		// the broker.
		limit := w.queue.Capabilities().MaxBody - 8<<10
		plain, err := runtime.NewClient(w.queues, nil)
		if err != nil {
			t.Fatal(err)
		}
		large := job{strings.Repeat("x", limit-200)}
		if _, err := runtime.Enqueue(ctx, plain, large); err != nil {
			t.Fatal(err)
		}
		if _, err := runtime.Enqueue(ctx, w.client, large); !driver.Is(err, driver.TooLarge) {
			t.Errorf("with its trace: %v", err)
		}
	})
}

// A worker that is started within a span is no part of it.
func TestTasksAreNoPartOfTheTraceOfTheirWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		plain, err := runtime.NewClient(w.queues, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		if _, err := runtime.Enqueue(t.Context(), plain, job{"a"}); err != nil {
			t.Fatal(err)
		}
		ctx, span := w.tracing.Tracer("application").Start(t.Context(), "main")
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		worker, err := runtime.NewWorker(w.queues, w.mux, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Run(ctx); err != nil {
			t.Fatal(err)
		}
		span.End()
		if s := w.one("process jobs"); s.Parent().IsValid() {
			t.Errorf("parent %v", s.Parent())
		}
	})
}

// A host has a span of its own, such as a function's, which is linked.
func TestAHostsSpanIsLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		w.enqueue("a")
		leases, err := w.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, host := w.tracing.Tracer("host").Start(t.Context(), "invocation")
		d := w.mux.Dispatch(ctx, runtime.Delivery{Lease: leases[0], Queue: w.queues.All()[0]})
		runtime.Settled{Queue: "jobs", Decision: d}.Tell(nil, nil, nil, nil)
		host.End()
		s := w.one("process jobs")
		if s.Parent().SpanID() != w.one("send jobs").SpanContext().SpanID() || !linked(s, w.one("invocation")) {
			t.Errorf("parent %v, links %v", s.Parent(), s.Links())
		}
		w.measures(map[string]float64{
			"longshore.task.outcomes map[longshore.outcome:success longshore.task.kind:job]": 1,
			"messaging.client.consumed.messages":                                             1,
			"longshore.task.running":                                                         0,
		})
		runtime.Settled{Queue: "jobs", Decision: d, Err: errors.New("down")}.Tell(nil, nil, nil, nil)
		w.measures(map[string]float64{
			"longshore.task.outcomes map[longshore.outcome:lost longshore.task.kind:job]": 1,
			"longshore.settle.failures map[longshore.verdict:ack]":                        1,
		})
	})
}

// A handler that ends the goroutine of its host has failed, and its span says so.
func TestAHandlerThatEndsItsHostsGoroutine(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	w.handle(func(context.Context, *runtime.Task[job]) error { goexit(); return nil })
	w.enqueue("a")
	leases, err := w.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.mux.Dispatch(t.Context(), runtime.Delivery{Lease: leases[0], Queue: w.queues.All()[0]})
	}()
	<-ended
	s := w.one("process jobs")
	w.want(s, map[string]string{"error.type": "goexit"})
	if s.Status().Code != codes.Error {
		t.Errorf("status %v", s.Status())
	}
	w.measures(map[string]float64{"longshore.task.running": 0, "messaging.process.duration map[error.type:goexit longshore.task.kind:job]": 1})
}
