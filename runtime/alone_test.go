package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// late makes every message look as if it had been delivered often.
func late(attempt int) func(driver.Queue) driver.Queue {
	return faulty(faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) {
		for i, l := range c.Received {
			if l.Message().Attributes["suspect"] != "" {
				c.Received[i] = faultqueue.Wrap(l, func(v *faultqueue.View) { v.Attempt = attempt })
			}
		}
	})})
}

// What was delivered more often than it may fail is perhaps what ends processes.
func TestTasksBeyondTheirAttemptsRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 5}, late(6))
		var suspects, most atomic.Int32
		r, healthy := newRuns(), newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Attributes["suspect"] == "" {
				healthy.add()
				return nil
			}
			most.Store(max(most.Load(), suspects.Add(1)))
			defer suspects.Add(-1)
			time.Sleep(time.Minute)
			r.add()
			return nil
		})
		for range 5 {
			b.enqueue("suspect", runtime.Attribute("suspect", "1"))
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 3})
		time.Sleep(time.Second)
		for range 4 {
			b.enqueue("healthy")
		}
		time.Sleep(10 * time.Minute)
		if n := len(r.all()); n != 5 || most.Load() != 1 {
			t.Errorf("%d suspects done, %d at once; want 5 and 1", n, most.Load())
		}
		for _, at := range healthy.all() {
			if at > time.Second {
				t.Errorf("a healthy task ran at %v, behind those that wait", at)
			}
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

// Whose turn it is may turn out not to run: those behind it must not wait for ever.
func TestATurnThatIsNotTakenGoesToTheNext(t *testing.T) {
	for name, tt := range map[string]struct {
		options []runtime.EnqueueOption // of the one in the middle
		rules   []faultqueue.Rule
		dead    int64
	}{
		"expired": {[]runtime.EnqueueOption{runtime.TTL(30 * time.Second)}, nil, 1},
		"lease lost": {[]runtime.EnqueueOption{runtime.Attribute("unlucky", "1")}, []faultqueue.Rule{{
			Op: faultqueue.Extend, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				next(ctx, c)
				for i, l := range c.Leases {
					if l.Message().Attributes["unlucky"] != "" {
						c.Extended[i] = driver.ExtendResult{Err: errLost}
					}
				}
			},
		}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 5}, func(q driver.Queue) driver.Queue {
					return faultqueue.New(late(6)(q), tt.rules...)
				})
				r := newRuns()
				b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
					err := wait(ctx, time.Minute)
					if err == nil {
						r.add()
					}
					return err
				})
				suspect := runtime.Attribute("suspect", "1")
				b.enqueue("first", suspect)
				stop := b.start(runtime.WorkerOptions{Concurrency: 3})
				for _, options := range [][]runtime.EnqueueOption{append(tt.options, suspect), {suspect}} {
					time.Sleep(time.Second)
					b.enqueue("behind", options...)
				}
				time.Sleep(2*time.Minute + time.Second)
				synctest.Wait()
				if at := r.all(); len(at) != 2 || at[1] < 2*time.Minute || at[1] >= 2*time.Minute+time.Second {
					t.Errorf("done at %v, want 1m and 2m, and less than 1s for the first one's place in line", at)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if s, err := b.queue.Stats(t.Context()); err != nil || s.Dead != tt.dead {
					t.Errorf("%d dead, %v; want %d", s.Dead, err, tt.dead)
				}
			})
		})
	}
}

func TestADrainGivesBackTasksThatWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 5}, late(6))
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(time.Second)
			return nil
		})
		for range 5 {
			b.enqueue("suspect", runtime.Attribute("suspect", "1"))
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 3})
		time.Sleep(time.Second / 2)
		b.stats(0, 5, 0)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(4, 0, 0)
	})
}

func TestMaxDeliveriesIsTheLimitOfDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 5, MaxDeliveries: 6}, late(7))
		b.handle(func(context.Context, *runtime.Task[job]) error {
			t.Error("it was run")
			return nil
		})
		b.enqueue("suspect", runtime.Attribute("suspect", "1"))
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Second)
		if d := b.dead().Death; d.Reason != driver.ReasonCrashed {
			t.Errorf("death %+v", d)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// Those that wait behind what ends each worker are delivered as often as that.
// When they get their turn by chance, and not in the queue's order, some delivery
// has them before it.
func TestNeighboursOfWhatEndsEachWorkerLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 10 * time.Second
		q, err := mem.New("jobs", &mem.Options{Hold: hold, Ordered: true, MaxReceives: 100})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close(context.WithoutCancel(t.Context()))
		retry := runtime.RetryPolicy{MaxAttempts: 2, MaxDeliveries: 8}
		b := &bench{T: t, queue: q, log: new(syncBuffer)}
		var killed atomic.Pointer[faultqueue.Queue]
		var done atomic.Int32
		life := func() {
			b.queues, b.mux = new(runtime.Queues), runtime.NewMux(nil)
			own := faultqueue.New(q)
			if err := b.queues.Add(runtime.QueueInfo{Name: "jobs", Driver: own, Retry: &retry}); err != nil {
				t.Fatal(err)
			}
			if b.client, err = runtime.NewClient(b.queues, nil); err != nil {
				t.Fatal(err)
			}
			b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
				if task.Args.Name == "poison" {
					if err := wait(ctx, hold/10); err != nil {
						return err
					}
					killed.Store(own)
					own.Kill()
					return wait(ctx, hold)
				}
				if err := wait(ctx, hold/2); err != nil {
					return err
				}
				if killed.Load() != own {
					done.Add(1)
				}
				return nil
			})
		}
		life()
		b.enqueue("poison")
		for range 6 {
			b.enqueue("neighbour")
		}
		for range retry.MaxDeliveries + 2 {
			stop := b.start(runtime.WorkerOptions{Concurrency: 8, Grace: time.Second})
			time.Sleep(4 * hold)
			_ = stop() // a worker that was cut off says so
			time.Sleep(2 * hold)
			life()
		}
		if n := done.Load(); n != 6 {
			t.Errorf("%d of 6 neighbours ended well", n)
		}
		if m := b.dead(); m.Death == nil || m.Death.Reason != driver.ReasonCrashed {
			t.Errorf("dead by %+v, want %s", m.Death, driver.ReasonCrashed)
		}
	})
}
