package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
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
