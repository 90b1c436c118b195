package pubsub_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/runtime"
)

type job struct{}

func (job) Kind() string { return "job" }

// worker runs a worker on the queue until the function that it returns is called,
// which waits for its end.
func (e *env) worker(q driver.Queue, o runtime.WorkerOptions, handler func(ctx context.Context, t *runtime.Task[job]) error) (stop func()) {
	e.Helper()
	w := e.newWorker(q, o, handler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		e.Helper()
		cancel()
		e.must(<-ended)
	}
}

func (e *env) newWorker(q driver.Queue, o runtime.WorkerOptions, handler func(ctx context.Context, t *runtime.Task[job]) error) *runtime.Worker {
	e.Helper()
	queues := new(runtime.Queues)
	e.must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: q}))
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, handler)
	w, err := runtime.NewWorker(queues, mux, &o)
	e.must(err)
	return w
}

// enqueue enqueues n tasks.
func (e *env) enqueue(n int, opts ...runtime.EnqueueOption) {
	e.Helper()
	queues := new(runtime.Queues)
	e.must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: e.queue}))
	client, err := runtime.NewClient(queues, nil)
	e.must(err)
	for n > 0 {
		some := min(n, 1000)
		for _, r := range runtime.EnqueueMany(e.Context(), client, make([]job, some), opts...) {
			e.must(r.Err)
		}
		n -= some
	}
}

func TestAHandlerOfTwentyMinutesKeepsItsMessage(t *testing.T) {
	for _, hold := range []time.Duration{0, 10 * time.Second, 10 * time.Minute} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			e.enqueue(1)
			var runs, done atomic.Int32
			stop := e.worker(e.queue, runtime.WorkerOptions{Hold: hold}, func(ctx context.Context, _ *runtime.Task[job]) error {
				runs.Add(1)
				select {
				case <-time.After(20 * time.Minute):
					done.Add(1)
				case <-ctx.Done():
				}
				return context.Cause(ctx)
			})
			e.sleep(21 * time.Minute)
			stop()
			if runs.Load() != 1 || done.Load() != 1 {
				e.Errorf("hold %v: it ran %d times and ended %d times; want once", hold, runs.Load(), done.Load())
			}
			e.sleep(time.Hour)
			e.none("done", e.queue)
			e.none("done", e.queue.DeadLetter())
		})
	}
}

func TestAnIdleWorkerHasOnePullInFlight(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		stop := e.worker(e.queue, runtime.WorkerOptions{Concurrency: 100}, func(context.Context, *runtime.Task[job]) error { return nil })
		e.enqueue(5000) // it has many for a while
		e.sleep(10 * time.Minute)
		before := e.server.Requests()
		for range 100 {
			e.sleep(time.Second)
			if n := e.server.InFlight()["Pull"]; n > 1 {
				e.Errorf("%d pulls in flight; want one", n)
			}
		}
		if n := e.since(before, "Pull"); n < 9 || n > 11 {
			e.Errorf("%d pulls in 100 s; want ten, of a third of the grace each", n)
		}
		stop()
	})
}

// A worker that is stopped as a message comes leaves it free.
func TestADrainStrandsNothing(t *testing.T) {
	on(t, &pubsubfake.Options{Linger: true}, pubsub.Options{}, func(e *env) {
		const restarts = 60
		var done atomic.Int32
		for n := range restarts {
			stop := e.worker(e.queue, runtime.WorkerOptions{}, func(context.Context, *runtime.Task[job]) error { done.Add(1); return nil })
			e.sleep(time.Duration(n) * 370 * time.Millisecond)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				stop()
			}()
			if n%2 == 0 {
				e.sleep(time.Microsecond)
			}
			e.enqueue(1)
			<-ended
			if done.Load() == int32(n+1) {
				continue
			}
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10})
			if err != nil || len(got) != 1 {
				e.Fatalf("restart %d: %d messages are free, %v; want the one that was sent", n, len(got), err)
			}
			e.must(e.settle(e.queue, driver.Settlement{Lease: got[0], Verdict: driver.Ack}))
			done.Add(1)
		}
		e.sleep(2 * conformanceHold)
		e.none("all done", e.queue)
	})
}

// What a message costs in requests where there are many.
func TestRequestsAMessage(t *testing.T) {
	for _, hold := range []time.Duration{0, 2 * time.Minute} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			const n = 10_000
			e.enqueue(n)
			before := e.server.Requests()
			var done atomic.Int32
			stop := e.worker(e.queue, runtime.WorkerOptions{Concurrency: 100, Hold: hold}, func(context.Context, *runtime.Task[job]) error {
				e.sleep(10 * time.Millisecond)
				done.Add(1)
				return nil
			})
			e.sleep(time.Minute)
			stop()
			requests := e.since(before, "Pull") + e.since(before, "ModifyAckDeadline") + e.since(before, "Acknowledge")
			e.Logf("hold %v: %.4f requests a message: %d Pull, %d ModifyAckDeadline, %d Acknowledge", hold, float64(requests)/n,
				e.since(before, "Pull"), e.since(before, "ModifyAckDeadline"), e.since(before, "Acknowledge"))
			if done.Load() != n || requests > n/10 {
				e.Errorf("%d done, %d requests; want %d with at most %d", done.Load(), requests, n, n/10)
			}
		})
	}
}
