package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A copy goes out whatever the hold is, and whoever sets it: that of the queue counts
// before that of the worker, and no lease lasts longer than the broker allows in all.
func TestACopyIsConfirmedForTheHoldOfItsQueue(t *testing.T) {
	for name, c := range map[string]struct {
		broker, queue, worker, first time.Duration
	}{
		"the queue's is longer than the broker's":     {broker: 30 * time.Second, queue: 2 * time.Minute},
		"the worker's is none that the queue takes":   {broker: 30 * time.Second, queue: time.Minute, worker: 13 * time.Hour},
		"the worker's is all that the broker allows":  {broker: 30 * time.Second, worker: 12 * time.Hour},
		"little is left of what the broker allows":    {broker: 30 * time.Second, worker: time.Hour, first: 11*time.Hour + 30*time.Minute},
		"the queue's is shorter than that of workers": {broker: 30 * time.Second, queue: 10 * time.Second, worker: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, err := mem.New("other", &mem.Options{Hold: c.broker})
				if err != nil {
					t.Fatal(err)
				}
				b := newBench(t, nil, runtime.RetryPolicy{}, nil)
				b.queues = new(runtime.Queues)
				if err := b.queues.Add(runtime.QueueInfo{Name: "other", Driver: q, Hold: c.queue}); err != nil {
					t.Fatal(err)
				}
				if b.client, err = runtime.NewClient(b.queues, nil); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var runs []time.Duration
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					runs = append(runs, time.Since(start))
					if len(runs) > 1 {
						if task.Attempt != 1 {
							t.Errorf("attempt %d after a snooze; want 1", task.Attempt)
						}
						return nil
					}
					time.Sleep(c.first)
					return runtime.Snooze(time.Minute)
				})
				b.enqueue("a")
				stop := b.start(runtime.WorkerOptions{Hold: c.worker})
				time.Sleep(24 * time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if len(runs) != 2 || runs[1] < c.first+time.Minute || runs[1] > c.first+70*time.Second {
					t.Errorf("runs at %v; want a second one minute after the first", runs)
				}
				_ = q.Close(context.Background())
			})
		})
	}
}

// A copy whose send hangs must not hold up the acks that stand beside it.
func TestACopyThatHangsHoldsUpNoAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: faultqueue.Stall(500 * time.Millisecond)},
			faultqueue.Rule{Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.Messages[0].Carry.Snoozes > 0 }, Times: 1, Fault: faultqueue.Hang()},
		))
		var later atomic.Int32
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			switch {
			case task.Args.Name == "first":
				return nil
			case task.Args.Name == "later" && later.Add(1) == 1:
				time.Sleep(200 * time.Millisecond)
				return runtime.Snooze(time.Hour)
			}
			time.Sleep(300 * time.Millisecond)
			return nil
		})
		stop := b.start(runtime.WorkerOptions{Concurrency: 16})
		for _, name := range []string{"first", "later", "done"} {
			b.enqueue(name)
		}
		time.Sleep(3 * time.Second)
		b.stats(0, 1, 0) // what sends a copy
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
