package servicebus_test

import (
	"context"
	"flag"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
	"github.com/longshore-dev/longshore/runtime"
)

var figures = flag.Bool("figures", false, "measure as many locks as the figure is for")

// The locks of 5,000 handlers that run for ten locks of 30 s are kept: each is renewed
// at a third of its duration or a little before. Without -figures there are 500.
func TestManyHandlersKeepTheirLocks(t *testing.T) {
	const lock, locks = 30 * time.Second, 10
	n := 500
	if *figures {
		n = 5000
	}
	synctest.Test(t, func(t *testing.T) {
		server := sbfake.New(nil)
		defer server.Close()
		q, err := provision(t, server, servicebus.Options{}, conformance.Options{Hold: lock})
		if err != nil {
			t.Fatal(err)
		}
		queues := new(runtime.Queues)
		if err := queues.Add(runtime.QueueInfo{Name: "orders", Driver: q}); err != nil {
			t.Fatal(err)
		}
		client, err := runtime.NewClient(queues, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range n / 500 {
			for _, r := range runtime.EnqueueMany(t.Context(), client, make([]job, 500)) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		}
		var runs, kept, acked atomic.Int32
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(ctx context.Context, _ *runtime.Task[job]) error {
			runs.Add(1)
			select {
			case <-time.After(locks * lock):
				kept.Add(1)
			case <-ctx.Done():
			}
			return context.Cause(ctx)
		})
		w, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Concurrency: n, OnSettled: func(s runtime.Settled) {
			if s.Err == nil && s.Decision.Err == nil {
				acked.Add(1)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(lock)
		if int(runs.Load()) != n {
			t.Errorf("%d handlers run at once; want %d", runs.Load(), n)
		}
		time.Sleep((locks + 1) * lock)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := int32(n); runs.Load() != want || kept.Load() != want || acked.Load() != want {
			t.Errorf("%d runs, %d to their end, %d acked; want %d of each", runs.Load(), kept.Load(), acked.Load(), n)
		}
		renewals := server.Traffic().Requests["renew-lock"]
		t.Logf("%d locks of %v for %d of them: %d renewals, none lost", n, lock, locks, renewals)
		if most := 4 * locks * n; renewals > most {
			t.Errorf("%d renewals of %d locks for %d of them; want at most %d", renewals, n, locks, most)
		}
		if got := server.Counts("orders"); got != (sbfake.Counts{}) {
			t.Errorf("the queue has %+v", got)
		}
		if err := queues.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
