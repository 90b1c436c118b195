package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// keepsFailed takes no batch at the first try, and goes on reading what it did not
// take, as a client whose request was given up may.
type keepsFailed struct {
	driver.Queue
	tried  bool
	kept   []driver.Message
	bodies [][]byte // copies, as they were
}

func (q *keepsFailed) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if q.tried = !q.tried; q.tried {
		q.kept = batch
		for _, m := range batch {
			q.bodies = append(q.bodies, bytes.Clone(m.Body))
		}
		return driver.FailSend(len(batch), &driver.Error{Code: driver.Unavailable, Op: "send", Err: errors.New("down")})
	}
	return q.Queue.Send(ctx, batch)
}

func TestMemoryIsNotUsedAgainWhileSomebodyMayRead(t *testing.T) {
	q := new(keepsFailed)
	b := newBench(t, nil, runtime.RetryPolicy{}, func(inner driver.Queue) driver.Queue {
		q.Queue = inner
		return q
	})
	send := func(name string) {
		var jobs []job
		for i := range 10 {
			jobs = append(jobs, job{fmt.Sprintf("%s %d", name, i)})
		}
		for _, r := range runtime.EnqueueMany(t.Context(), b.client, jobs) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	send("first")
	kept, bodies := q.kept, q.bodies
	for range 3 {
		q.tried = true // takes it at once, so that its memory is used again
		send("later")
	}
	for i, m := range kept {
		if !bytes.Equal(m.Body, bodies[i]) {
			t.Errorf("message %d became %q", i, m.Body)
		}
	}
}

func TestTasksThatShareMemoryComeAsTheyWere(t *testing.T) {
	b := newBench(t, &mem.Options{}, runtime.RetryPolicy{}, nil)
	want := make(map[string]bool)
	for i := range 20 {
		jobs := []job{{fmt.Sprintf("%d a", i)}, {fmt.Sprintf("%d b", i)}}
		for k, r := range runtime.EnqueueMany(t.Context(), b.client, jobs) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			want[string(r.ID)+jobs[k].Name] = true
		}
	}
	b.handle(func(_ context.Context, t *runtime.Task[job]) error {
		delete(want, string(t.ID)+t.Args.Name)
		return nil
	})
	leases, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		if d := b.mux.Dispatch(t.Context(), runtime.Delivery{Lease: l, Queue: b.queues.All()[0]}); d.Err != nil {
			t.Error(d.Err)
		}
	}
	if len(want) > 0 {
		t.Errorf("these did not come: %v", want)
	}
}
