package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestEnqueueRefusesWhatIsNotLegal(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	ordered := newBench(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, nil)
	long := strings.Repeat("x", 129)
	for name, c := range map[string]struct {
		enqueue func() (runtime.TaskID, error)
		code    driver.Code
		want    string
	}{
		"empty kind":     {raw(b, runtime.Raw{}), driver.InvalidArgument, "the kind has 0 bytes"},
		"long kind":      {raw(b, runtime.Raw{Kind: long}), driver.InvalidArgument, "the kind has 129 bytes"},
		"kind":           {raw(b, runtime.Raw{Kind: "a\nb"}), driver.InvalidArgument, "byte 0x0a at 1"},
		"id":             {raw(b, runtime.Raw{Kind: "a"}, runtime.ID("a b")), driver.InvalidArgument, "task id"},
		"long id":        {raw(b, runtime.Raw{Kind: "a"}, runtime.ID(runtime.TaskID(long))), driver.InvalidArgument, "129 bytes"},
		"queue":          {raw(b, runtime.Raw{Kind: "a"}, runtime.ToQueue("nope")), driver.NotFound, "known are jobs"},
		"delay":          {raw(b, runtime.Raw{Kind: "a"}, runtime.Delay(-1)), driver.InvalidArgument, "delay -1ns is negative"},
		"long delay":     {raw(b, runtime.Raw{Kind: "a"}, runtime.Delay(25*time.Hour)), driver.InvalidArgument, "delay 25h0m0s exceeds 24h0m0s"},
		"far run-at":     {raw(b, runtime.Raw{Kind: "a"}, runtime.RunAt(time.Now().Add(48*time.Hour))), driver.InvalidArgument, "exceeds 24h0m0s"},
		"delay, ordered": {raw(ordered, runtime.Raw{Kind: "a"}, runtime.Delay(1), runtime.Group("g")), driver.Unsupported, "cannot delay"},
		"ttl":            {raw(b, runtime.Raw{Kind: "a"}, runtime.TTL(-1)), driver.InvalidArgument, "time to live"},
		"ttl and delay":  {raw(b, runtime.Raw{Kind: "a"}, runtime.TTL(time.Second), runtime.Delay(time.Second)), driver.InvalidArgument, "never run"},
		"group":          {raw(b, runtime.Raw{Kind: "a"}, runtime.Group("g")), driver.Unsupported, "group key"},
		"group key":      {raw(ordered, runtime.Raw{Kind: "a"}, runtime.Group("a b")), driver.InvalidArgument, "group key"},
		"attribute":      {raw(b, runtime.Raw{Kind: "a"}, runtime.Attribute("longshore-x", "1")), driver.InvalidArgument, "reserved"},
		"payload":        {raw(b, runtime.Raw{Kind: "a", Data: []byte("{")}), driver.InvalidArgument, "data"},
		"too large":      {raw(b, runtime.Raw{Kind: "a", Data: make([]byte, 1<<20), ContentType: "x/y"}), driver.TooLarge, "more than 1040384"},
		"attributes": {raw(b, runtime.Raw{Kind: "a", Data: make([]byte, 770_000), ContentType: "x/y"}, runtime.Attribute("k", strings.Repeat("x", 4000)), runtime.Attribute("l", strings.Repeat("x", 4000)),
			runtime.Attribute("m", strings.Repeat("x", 4000)), runtime.Attribute("n", strings.Repeat("x", 4000))), driver.TooLarge, "more than 1024356"},
		"arguments": {func() (runtime.TaskID, error) { return runtime.Enqueue(t.Context(), b.client, opaque{func() {}}) },
			driver.InvalidArgument, "do not encode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.enqueue()
			if !driver.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("enqueue: %v, want %v with %q", err, c.code, c.want)
			}
		})
	}
	b.stats(0, 0, 0)
}

type opaque struct{ F func() }

func (opaque) Kind() string { return "opaque" }

func raw(b *bench, r runtime.Raw, opts ...runtime.EnqueueOption) func() (runtime.TaskID, error) {
	return func() (runtime.TaskID, error) { return runtime.EnqueueRaw(b.Context(), b.client, r, opts...) }
}

func TestEnqueueOptionsReachTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: time.Hour}, runtime.RetryPolicy{}, nil)
		id := b.enqueue("a", runtime.ID("my-id"), runtime.RunAt(time.Now().Add(time.Minute)), runtime.TTL(time.Hour),
			runtime.Fairness("tenant"), runtime.Dedup("key"), runtime.Attribute("k", "v"))
		if id != "my-id" {
			t.Errorf("id %q", id)
		}
		b.enqueue("dropped", runtime.Dedup("key"))
		past := b.enqueue("now", runtime.RunAt(time.Now().Add(-time.Hour)))
		first, _ := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 10})
		if len(first) != 1 || first[0].Message().SendID != string(past) {
			t.Fatalf("at once: %d messages", len(first))
		}
		time.Sleep(time.Minute)
		second, _ := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 10})
		if len(second) != 1 {
			t.Fatalf("when due: %d messages", len(second))
		}
		m := second[0].Message()
		if m.SendID != "key" || m.FairnessKey != "tenant" || m.Attributes["k"] != "v" {
			t.Errorf("message %+v", m)
		}
	})
}

func TestAnExpiredTaskIsBuriedUnlessSomebodyRedroveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		ran := 0
		b.handle(func(context.Context, *runtime.Task[job]) error { ran++; return nil })
		b.enqueue("a", runtime.TTL(time.Minute))
		time.Sleep(time.Hour)
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Second)
		dead, err := b.queue.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		if err != nil || len(dead) != 1 || dead[0].Message().Death.Reason != driver.ReasonExpired || ran != 0 {
			t.Fatalf("dead %v, %v; ran %d", dead, err, ran)
		}
		if errs := b.queue.DeadLetter().Settle(t.Context(), []driver.Settlement{{Lease: dead[0], Verdict: driver.Redrive}}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if ran != 1 {
			t.Errorf("after the redrive it ran %d times, want once", ran)
		}
	})
}

func TestASendThatFailsIsTriedAgainUnderTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sendIDs []string
		var batches []int
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return faultqueue.New(q,
				faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					batches = append(batches, len(c.Messages))
					sendIDs = append(sendIDs, c.Messages[0].SendID)
					if len(batches) <= 3 {
						faultqueue.On(faultqueue.Item(0), faultqueue.FailBefore(errDown))(ctx, c, next)
						return
					}
					next(ctx, c)
				}})
		})
		id := b.enqueue("a")
		if want := []string{string(id), string(id), string(id), string(id)}; !slices.Equal(sendIDs, want) {
			t.Errorf("send ids %q, want %q", sendIDs, want)
		}
		batches, sendIDs = nil, nil
		results := runtime.EnqueueMany(t.Context(), b.client, []job{{"a"}, {"b"}, {"c"}})
		if !slices.Equal(batches, []int{3, 1, 1, 1}) {
			t.Errorf("batches of %v, want the failed one alone again", batches)
		}
		for i, r := range results {
			if r.Err != nil || r.ID == "" {
				t.Errorf("result %d: %+v", i, r)
			}
		}
		b.stats(4, 0, 0)
	})
}

func TestASendIsGivenUpWithItsOwnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: faultqueue.Send, Fault: faultqueue.FailBefore(errDown)}))
		start := time.Now()
		id, err := runtime.Enqueue(t.Context(), b.client, job{"a"})
		if !errors.Is(err, errDown) || id == "" {
			t.Errorf("enqueue: %q, %v", id, err)
		}
		if took := time.Since(start); took < 20*time.Second || took > 30*time.Second {
			t.Errorf("given up after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := runtime.Enqueue(ctx, b.client, job{"a"}); !errors.Is(err, errDown) || time.Since(start) > time.Second {
			t.Errorf("enqueue with a deadline: %v after %v", err, time.Since(start))
		}
	})
}

func TestEnqueueManySplitsBatchesAndFailsOneByOne(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	many := make([]job, 2500)
	for i, r := range runtime.EnqueueMany(t.Context(), b.client, many) {
		if r.Err != nil {
			t.Fatalf("task %d: %v", i, r.Err)
		}
	}
	b.stats(2500, 0, 0)
	mixed := []job{{"ok"}, {strings.Repeat("x", 1<<20)}, {"ok"}}
	results := runtime.EnqueueMany(t.Context(), b.client, mixed)
	if results[0].Err != nil || !driver.Is(results[1].Err, driver.TooLarge) || results[2].Err != nil {
		t.Errorf("results %+v", results)
	}
	if r := runtime.EnqueueMany(t.Context(), b.client, mixed, runtime.ID("x")); !driver.Is(r[0].Err, driver.InvalidArgument) {
		t.Errorf("several tasks with one id: %v", r[0].Err)
	}
	if r := runtime.EnqueueMany(t.Context(), b.client, mixed, runtime.Dedup("x")); !driver.Is(r[0].Err, driver.InvalidArgument) || !driver.Is(r[2].Err, driver.InvalidArgument) {
		t.Errorf("several tasks with one deduplication key: %v", r)
	}
	if r := runtime.EnqueueMany[job](t.Context(), b.client, nil); len(r) != 0 {
		t.Errorf("no tasks: %v", r)
	}
}

// A task of a group that has to be sent again must not come behind the next.
func TestEnqueueManyKeepsTheOrderOfAGroupThroughFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.N == 1 }, Fault: faultqueue.On(faultqueue.Item(0), faultqueue.FailBefore(errDown)),
		}))
		for _, r := range runtime.EnqueueMany(t.Context(), b.client, []job{{"0"}, {"1"}, {"2"}}, runtime.Group("g")) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		var order []string
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			order = append(order, task.Args.Name)
			return nil
		})
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"0", "1", "2"}; !slices.Equal(order, want) {
			t.Errorf("ran %v, want %v", order, want)
		}
	})
}

func TestKindsGoWhereTheirRouteSays(t *testing.T) {
	var queues runtime.Queues
	for _, name := range []string{"a", "b"} {
		q, err := mem.New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := queues.Add(runtime.QueueInfo{Name: name, Driver: q}); err != nil {
			t.Fatal(err)
		}
	}
	defer queues.Close(t.Context())
	c, err := runtime.NewClient(&queues, &runtime.ClientOptions{Routes: map[string]string{"job": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), c, job{}); err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), c, job{}, runtime.ToQueue("a")); err != nil {
		t.Fatal(err)
	}
	_, err = runtime.EnqueueRaw(t.Context(), c, runtime.Raw{Kind: "other"})
	if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), "no route") {
		t.Errorf("a kind without route: %v", err)
	}
	for _, q := range queues.All() {
		if s, _ := q.Driver.Stats(t.Context()); s.Ready != 1 {
			t.Errorf("queue %s has %d messages, want 1", q.Name, s.Ready)
		}
	}
	for name, o := range map[string]runtime.ClientOptions{
		"unknown default": {DefaultQueue: "x"}, "unknown route": {Routes: map[string]string{"a": "x"}},
		"illegal kind": {Routes: map[string]string{"a b": "a"}}, "negative timeout": {SendTimeout: -1},
		"codec of nothing": {Codec: typed("")},
	} {
		if _, err := runtime.NewClient(&queues, &o); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenNamesQueuesAndRefusesBadURLs(t *testing.T) {
	ctx := t.Context()
	qs, err := runtime.Open(ctx, "mem://one?hold=5s", "mem://two")
	if err != nil {
		t.Fatal(err)
	}
	defer qs.Close(ctx)
	var names []string
	for _, q := range qs.All() {
		names = append(names, q.Name)
	}
	if !slices.Equal(names, []string{"one", "two"}) {
		t.Errorf("names %v", names)
	}
	for url, want := range map[string]string{
		"nope://x":         "want one of mem",
		"orders":           "not a queue URL",
		"mem://x?hodl=3s":  `unknown parameter "hodl"`,
		"mem://x?hold=-3s": "hold",
	} {
		if _, err := runtime.Open(ctx, url); !driver.Is(err, driver.InvalidArgument) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	if _, err := runtime.Open(ctx, "mem://three", "mem://three"); !driver.Is(err, driver.InvalidArgument) {
		t.Errorf("the same queue twice: %v", err)
	}
	again, err := runtime.Open(ctx, "mem://three?hold=7s") // the failed Open has closed it
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close(ctx)
}

func TestMiddlewareRunsInOrderOnBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		var order []string
		side := func(name string) runtime.ClientMiddleware {
			return func(next runtime.SendFunc) runtime.SendFunc {
				return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
					order = append(order, name)
					tasks[0].Attributes = map[string]string{"by": name}
					return next(ctx, tasks)
				}
			}
		}
		layer := func(name string) runtime.Middleware {
			return func(next runtime.HandlerFunc) runtime.HandlerFunc {
				return func(ctx context.Context, task *runtime.Info) error {
					order = append(order, name)
					defer func() { order = append(order, name+" ends") }()
					return next(ctx, task)
				}
			}
		}
		client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{side("c1"), side("c2")}})
		if err != nil {
			t.Fatal(err)
		}
		b.mux = runtime.NewMux(&runtime.MuxOptions{Middleware: []runtime.Middleware{layer("m1"), layer("m2")}})
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			order = append(order, "handler by "+task.Attributes["by"])
			return nil
		})
		if _, err := runtime.Enqueue(t.Context(), client, job{"a"}); err != nil {
			t.Fatal(err)
		}
		stop := b.start(runtime.WorkerOptions{})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"c1", "c2", "m1", "m2", "handler by c2", "m2 ends", "m1 ends"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

// What middleware swallows must not pass for sent.
func TestMiddlewareThatForgetsNextIsAnError(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	for name, layer := range map[string]runtime.ClientMiddleware{
		"answers nothing": func(runtime.SendFunc) runtime.SendFunc {
			return func(context.Context, []*runtime.Outgoing) []runtime.EnqueueResult { return nil }
		},
		"answers twice": func(next runtime.SendFunc) runtime.SendFunc {
			return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
				return append(next(ctx, tasks), next(ctx, tasks)...)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{layer}})
			if err != nil {
				t.Fatal(err)
			}
			if id, err := runtime.Enqueue(t.Context(), client, job{"a"}); err == nil || id == "" || !strings.Contains(err.Error(), "middleware answered") {
				t.Errorf("enqueue: %q, %v", id, err)
			}
			for _, r := range runtime.EnqueueMany(t.Context(), client, []job{{"a"}, {"b"}}) {
				if r.Err == nil || r.ID == "" {
					t.Errorf("enqueue many: %+v", r)
				}
			}
		})
	}
	for _, layer := range []runtime.ClientMiddleware{nil, func(runtime.SendFunc) runtime.SendFunc { return nil }} {
		if _, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{layer}}); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("nil middleware: %v", err)
		}
	}
}

// Both are sends of one task under one send id, by which a queue that deduplicates
// knows the second.
func TestClientMiddlewareThatCallsNextTwiceSendsUnderOneSendID(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	twice := func(next runtime.SendFunc) runtime.SendFunc {
		return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
			first := next(ctx, tasks)
			next(ctx, tasks)
			return first
		}
	}
	client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{twice}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := runtime.Enqueue(t.Context(), client, job{"a"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{string(id): 2}
	for _, r := range runtime.EnqueueMany(t.Context(), client, []job{{"b"}, {"c"}}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
		want[string(r.ID)] = 2
	}
	leases, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(map[string]int)
	for _, l := range leases {
		sent[l.Message().SendID]++
	}
	if !maps.Equal(sent, want) {
		t.Errorf("send ids %v, want %v", sent, want)
	}
}

// Middleware that does not wait for a slow send calls next again beside it: the calls
// share the tasks, so none writes to them. The race detector looks.
func TestClientMiddlewareCanCallNextTwiceAtOnce(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	hedged := func(next runtime.SendFunc) runtime.SendFunc {
		return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
			other := make(chan []runtime.EnqueueResult)
			go func() { other <- next(ctx, tasks) }()
			next(ctx, tasks)
			return <-other
		}
	}
	client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{hedged}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runtime.EnqueueMany(t.Context(), client, []job{{"a"}, {"b"}}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	b.stats(4, 0, 0)
}

func TestOtherCodecsAndRawMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Codec: shout{}})
		if err != nil {
			t.Fatal(err)
		}
		b.mux = runtime.NewMux(&runtime.MuxOptions{Codecs: []runtime.Codec{shout{}}, RawKind: "raw"})
		var got []string
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			got = append(got, task.Args.Name)
			return nil
		})
		b.mux.HandleRaw("raw", func(_ context.Context, task *runtime.Info) error {
			data, _ := task.Payload()
			got = append(got, "raw "+string(data))
			return nil
		})
		if _, err := runtime.Enqueue(t.Context(), client, job{"loud"}); err != nil {
			t.Fatal(err)
		}
		b.enqueue("json")
		b.queue.Send(t.Context(), []driver.Message{{Body: []byte("hello")}})
		binary := driver.Message{Body: []byte(`{"name":"binary"}`), Attributes: map[string]string{
			"ce-specversion": "1.0", "ce-id": "1", "ce-source": "x", "ce-type": "job", "content-type": "application/json"}}
		b.queue.Send(t.Context(), []driver.Message{binary})
		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"LOUD", "json", "raw hello", "binary"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// shout is a codec.
type shout struct{}

func (shout) ContentType() string { return "text/shout; charset=utf-8" }
func (shout) Marshal(v any) ([]byte, error) {
	return []byte(strings.ToUpper(v.(job).Name)), nil
}

func (shout) Unmarshal(data []byte, v any) error {
	v.(*job).Name = string(data)
	return nil
}

// A try whose answer was lost may have sent the task, whatever a later one is told.
func TestARefusalAfterALostAnswerDoesNotSayThatNothingWasSent(t *testing.T) {
	for _, many := range []bool{false, true} {
		for _, last := range []driver.Code{driver.PermissionDenied, driver.Throttled, driver.TooLarge, driver.NotFound, driver.Closed} {
			synctest.Test(t, func(t *testing.T) {
				refused := &driver.Error{Code: last, Op: "test", RetryAfter: 3 * time.Second, Err: errors.New("refused")}
				b := newBench(t, nil, runtime.RetryPolicy{}, faulty(
					faultqueue.Rule{Op: faultqueue.Send, Times: 1, Fault: faultqueue.FailAfter(errDown)},
					faultqueue.Rule{Op: faultqueue.Send, Fault: faultqueue.FailBefore(refused)}))
				var id runtime.TaskID
				var err error
				if many {
					r := runtime.EnqueueMany(t.Context(), b.client, []job{{Name: "a"}})[0]
					id, err = r.ID, r.Err
				} else {
					id, err = runtime.Enqueue(t.Context(), b.client, job{Name: "a"})
				}
				if !driver.Is(err, driver.Unavailable) || id == "" || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), "all the same") {
					t.Errorf("many %v, then %v: %v; want that it may have been sent", many, last, err)
				}
				b.stats(1, 0, 0)
			})
		}
	}
}
