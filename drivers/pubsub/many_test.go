package pubsub_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/runtime"
)

// The leases of 10,000 handlers that run for ten holds are kept, by requests for
// hundreds of them.
func TestManyHandlersKeepTheirLeasesForManyHolds(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		const n, holds = 10_000, 10
		e.enqueue(n)
		var runs, kept, acked atomic.Int32
		stop := e.worker(e.queue, runtime.WorkerOptions{Concurrency: n, OnSettled: func(s runtime.Settled) {
			if s.Err == nil && s.Decision.Err == nil {
				acked.Add(1)
			}
		}}, func(ctx context.Context, _ *runtime.Task[job]) error {
			runs.Add(1)
			select {
			case <-time.After(holds * conformanceHold):
				kept.Add(1)
			case <-ctx.Done():
			}
			return context.Cause(ctx)
		})
		e.sleep(conformanceHold)
		if runs.Load() != n {
			e.Errorf("%d handlers run at once; want %d", runs.Load(), n)
		}
		e.sleep((holds + 1) * conformanceHold)
		stop()
		if runs.Load() != n || kept.Load() != n || acked.Load() != n {
			e.Errorf("%d runs, %d to their end, %d acked; want %d of each", runs.Load(), kept.Load(), acked.Load(), n)
		}
		requests := e.server.Requests()["ModifyAckDeadline"]
		e.Logf("%d leases for %d holds of %v: %d requests to extend them", n, holds, conformanceHold, requests)
		if most := 4 * holds * n / 500; requests > most { // each is extended at a third of its hold or a little before
			e.Errorf("%d requests to extend %d leases for %d holds; want at most %d", requests, n, holds, most)
		}
		e.sleep(2 * conformanceHold)
		e.none("all acked", e.queue)
	})
}
