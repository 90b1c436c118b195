//go:build !race

package runtime_test

import (
	"context"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// The limits are what the code takes today, so that a change that takes more is
// seen. They include the queue's own.
func TestAllocOfATask(t *testing.T) {
	b := newBench(t, &mem.Options{MaxReceives: 1000}, runtime.RetryPolicy{MaxAttempts: 400}, nil)
	b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
	args := job{strings.Repeat("x", 53)}
	enqueue := testing.AllocsPerRun(1000, func() {
		if _, err := runtime.Enqueue(t.Context(), b.client, args); err != nil {
			t.Fatal(err)
		}
	})
	if limit := 8.0; enqueue > limit {
		t.Errorf("Enqueue takes %v allocations, more than %v", enqueue, limit)
	}
	leases, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil || len(leases) != 1 {
		t.Fatal(leases, err)
	}
	delivery := runtime.Delivery{Lease: leases[0], Queue: b.queues.All()[0]}
	dispatch := testing.AllocsPerRun(1000, func() {
		if d := b.mux.Dispatch(t.Context(), delivery); d.Action != runtime.Settle {
			t.Fatal(d)
		}
	})
	if limit := 3.0; dispatch > limit {
		t.Errorf("Dispatch takes %v allocations, more than %v", dispatch, limit)
	}
	t.Logf("Enqueue %v, Dispatch %v allocations", enqueue, dispatch)
}

// A store costs what stays below its threshold no allocation.
func TestAllocOfATaskWithAStore(t *testing.T) {
	measure := func(p *runtime.Payloads) (enqueue, many, dispatch float64) {
		b := newBench(t, &mem.Options{MaxReceives: 1000}, runtime.RetryPolicy{MaxAttempts: 400}, nil)
		var err error
		if b.client, err = runtime.NewClient(b.queues, &runtime.ClientOptions{Payloads: p}); err != nil {
			t.Fatal(err)
		}
		b.mux = runtime.NewMux(&runtime.MuxOptions{Payloads: p})
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		args := job{strings.Repeat("x", 53)}
		enqueue = testing.AllocsPerRun(1000, func() {
			if _, err := runtime.Enqueue(t.Context(), b.client, args); err != nil {
				t.Fatal(err)
			}
		})
		batch := make([]job, 100)
		many = testing.AllocsPerRun(100, func() {
			if r := runtime.EnqueueMany(t.Context(), b.client, batch)[99]; r.Err != nil {
				t.Fatal(r.Err)
			}
		})
		leases, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		if err != nil || len(leases) != 1 {
			t.Fatal(leases, err)
		}
		delivery := runtime.Delivery{Lease: leases[0], Queue: b.queues.All()[0]}
		dispatch = testing.AllocsPerRun(1000, func() {
			if d := b.mux.Dispatch(t.Context(), delivery); d.Action != runtime.Settle {
				t.Fatal(d)
			}
		})
		return enqueue, many, dispatch
	}
	enqueue, many, dispatch := measure(nil)
	withEnqueue, withMany, withDispatch := measure(&runtime.Payloads{Store: newShelf(), Compression: zstd.New()})
	if withEnqueue > enqueue || withMany > many*1.001 || withDispatch > dispatch {
		t.Errorf("Enqueue, EnqueueMany of 100 and Dispatch take %v, %v and %v allocations; without a store %v, %v and %v",
			withEnqueue, withMany, withDispatch, enqueue, many, dispatch)
	}
	t.Logf("Enqueue %v, EnqueueMany of 100 %v, Dispatch %v allocations", withEnqueue, withMany, withDispatch)
}
