package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// mixed is a task whose kind is a value.
type mixed struct {
	kind string
	Text string
}

func (m mixed) Kind() string { return m.kind }

// A task that its queue would not take is a send that failed, also when it was never
// handed to it.
func TestATaskThatIsRefusedIsASendThatFailed(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	large := job{strings.Repeat("x", 10<<20)}
	id, err := runtime.Enqueue(t.Context(), w.client, large)
	if !driver.Is(err, driver.TooLarge) {
		t.Fatal(err)
	}
	w.want(w.one("send jobs"), map[string]string{
		"error.type": "too_large", "longshore.task.kind": "job", "longshore.task.id": string(id), "messaging.batch.message_count": "",
	})
	results := runtime.EnqueueMany(t.Context(), w.client, []job{{"a"}, large, {"b"}})
	if !driver.Is(results[1].Err, driver.TooLarge) || results[0].Err != nil || results[2].Err != nil {
		t.Fatal(results)
	}
	if _, err := runtime.EnqueueRaw(t.Context(), w.client, runtime.Raw{Kind: "job", Data: []byte("{")}); !driver.Is(err, driver.InvalidArgument) {
		t.Fatal(err)
	}
	w.measures(map[string]float64{
		"messaging.client.sent.messages map[error.type:too_large longshore.task.kind:job]":        2,
		"messaging.client.sent.messages map[error.type:invalid_argument longshore.task.kind:job]": 1,
		"messaging.client.sent.messages map[longshore.task.kind:job]":                             2,
	})
}

// Tasks of several kinds are a send for each queue, and again where they come after
// those of another.
func TestEnqueueManyIsASendForEachQueue(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	other, err := mem.New("others", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.queues.Add(runtime.QueueInfo{Name: "others", Driver: other}); err != nil {
		t.Fatal(err)
	}
	client, err := runtime.NewClient(w.queues, &runtime.ClientOptions{
		Telemetry: w.telemetry, Routes: map[string]string{"a": "jobs", "b": "jobs", "c": "others"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var tasks []mixed
	for _, kind := range []string{"a", "b", "a", "c", "c", "unrouted", "unrouted", "b"} {
		tasks = append(tasks, mixed{kind: kind})
	}
	for i, r := range runtime.EnqueueMany(t.Context(), client, tasks) {
		if (r.Err != nil) != (tasks[i].kind == "unrouted") {
			t.Fatal(i, r.Err)
		}
	}
	var got []string
	for _, s := range w.spans.Ended() {
		a := attributesOf(s)
		got = append(got, fmt.Sprintf("%s %s%s", s.Name(), a["messaging.batch.message_count"], a["longshore.task.kind"]))
	}
	if want := "[send jobs 3 send others 2 send jobs b]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// Who sends messages chooses the names of their kinds, and how long they are. With a
// handler of all kinds they come into the metrics.
func TestKindsOfStrangersAreBounded(t *testing.T) {
	w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
	w.mux.HandleAny(func(context.Context, *runtime.Info) error { return nil })
	for _, kind := range []string{"short", strings.Repeat("k", 128), strings.Repeat("k", 129), strings.Repeat("é", 500)} {
		body := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"s","type":%q}`, kind)
		if r := w.queue.Send(t.Context(), []driver.Message{{Body: []byte(body)}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	leases, err := w.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 10})
	if err != nil || len(leases) != 4 {
		t.Fatal(len(leases), err)
	}
	for _, lease := range leases {
		d := w.mux.Dispatch(t.Context(), runtime.Delivery{Lease: lease, Queue: w.queues.All()[0]})
		runtime.Settled{Queue: "jobs", Decision: d}.Tell(nil, nil, nil, nil)
	}
	w.measures(map[string]float64{
		"longshore.task.outcomes map[longshore.outcome:success longshore.task.kind:short]":                            1,
		"longshore.task.outcomes map[longshore.outcome:success longshore.task.kind:" + strings.Repeat("k", 128) + "]": 1,
		"longshore.task.outcomes map[longshore.outcome:success longshore.task.kind:_OTHER]":                           2,
	})
}
