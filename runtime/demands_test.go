package runtime_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestAMuxSaysWhatItNeeds(t *testing.T) {
	mux := runtime.NewMux(nil)
	mux.HandleRaw("plain", nothing)
	mux.HandleRaw("own.attempts", nothing, runtime.Retry(runtime.RetryPolicy{MaxAttempts: 9}), runtime.Timeout(time.Minute))
	mux.HandleRaw("own.backoff", nothing, runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour)}))
	mux.HandleRaw("delays", nothing, runtime.Delays(), runtime.HardTimeout(2*time.Minute))
	if err := mux.Err(); err != nil {
		t.Fatal(err)
	}
	q := &runtime.QueueInfo{Retry: &runtime.RetryPolicy{MaxAttempts: 5}}
	if n := mux.MaxDeliveries(q); n != 20 {
		t.Errorf("max deliveries %d; want the 2*9+2 of a kind's own policy", n)
	}
	if mux.Limited(q) || !mux.Limited(&runtime.QueueInfo{Concurrency: 1}) || !mux.Limited(&runtime.QueueInfo{Rate: runtime.Rate{PerSecond: 1}}) {
		t.Errorf("limits of a queue: %v, and with some not told", mux.Limited(q))
	}
	mux.HandleRaw("limited", nothing, runtime.MaxConcurrency(1))
	if !mux.Limited(q) {
		t.Errorf("the limit of a kind is not told")
	}
	q.Retry.MaxDeliveries = 50
	if n := mux.MaxDeliveries(q); n != 50 {
		t.Errorf("max deliveries %d; want the queue's 50", n)
	}
	if kind, d := mux.LongestTimeout(); kind != "delays" || d != 2*time.Minute {
		t.Errorf("longest timeout %v of %q; want 2m of delays", d, kind)
	}
	if got := mux.Delayed(); !slices.Equal(got, []string{"delays", "own.backoff"}) {
		t.Errorf("kinds that need delays: %q", got)
	}
}

func TestDeliveriesBehindAHeadAreNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 2}, nil)
		var attempts []int
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			attempts = append(attempts, task.Attempt)
			return nil
		})
		b.enqueue("a")
		ls, err := b.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		if err != nil || len(ls) != 1 {
			t.Fatalf("receive: %v, %v", ls, err)
		}
		for _, tt := range []struct {
			count, behind int
			suspect       bool
		}{{1, 0, false}, {2, 0, false}, {3, 0, true}, {3, 1, false}, {9, 6, true}, {9, 7, false}} {
			l := faultqueue.Wrap(ls[0], func(v *faultqueue.View) { v.Attempt = tt.count })
			d := runtime.Delivery{Lease: l, Queue: b.queues.All()[0], Behind: tt.behind}
			if got := b.mux.Suspect(d); got != tt.suspect {
				t.Errorf("delivery %d, %d behind: suspect %v; want %v", tt.count, tt.behind, got, tt.suspect)
			}
			if got := b.mux.Dispatch(t.Context(), d).Task.Attempt; got != tt.count-tt.behind {
				t.Errorf("delivery %d, %d behind: attempt %d", tt.count, tt.behind, got)
			}
		}
		if want := []int{1, 2, 3, 2, 3, 2}; !slices.Equal(attempts, want) {
			t.Errorf("the handler saw attempts %v; want %v", attempts, want)
		}
	})
}

func TestCheckQueueReportsForAHostOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 400}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		policy, found, err := runtime.CheckQueue(t.Context(), b.queues.All()[0], b.mux)
		if err != nil || policy.Hold == 0 {
			t.Fatalf("policy %+v, %v", policy, err)
		}
		if len(found) != 1 || found[0].Setting != runtime.SettingAttemptLimit {
			t.Errorf("findings %v; want one on the attempt limit", found)
		}
		fq := faultqueue.New(b.queue, faultqueue.Rule{Op: faultqueue.Policy, Fault: faultqueue.FailBefore(driver.Errorf(driver.PermissionDenied, "policy", "no"))})
		var queues runtime.Queues
		if err := queues.Add(runtime.QueueInfo{Name: "denied", Driver: fq}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := runtime.CheckQueue(t.Context(), queues.All()[0], b.mux); !driver.Is(err, driver.PermissionDenied) {
			t.Errorf("error %v; want PermissionDenied", err)
		}
	})
}
