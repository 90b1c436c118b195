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

// A release or bury waits in line while an earlier settle hangs. On a lease that
// ran out meanwhile it could undo what the next holder does.
func TestNoReleaseOrBuryGoesOutOnALeaseThatRanOutInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 3 * time.Second
		const settlers = 16 // as many as there are at most
		b := newBench(t, &mem.Options{Hold: hold}, runtime.RetryPolicy{}, oneByOne(faultqueue.Rule{
			Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				for _, s := range c.Batch {
					if s.Verdict != driver.Ack && time.Since(s.Lease.Received()) >= hold {
						t.Errorf("%v of %v after %v", s.Verdict, s.Lease.Message().ID, time.Since(s.Lease.Received()))
					}
				}
				if c.N <= settlers {
					time.Sleep(8 * time.Second)
				}
				next(ctx, c)
			},
		}))
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			switch {
			case task.Attempt > 1 || task.Args.Name == "ack":
				return nil
			case task.Args.Name == "bury":
				return runtime.Permanent(errBoom)
			}
			return errBoom
		})
		stop := b.start(runtime.WorkerOptions{Concurrency: 2 * settlers})
		for range settlers {
			b.enqueue("ack")
			synctest.Wait()
		}
		b.enqueue("release")
		b.enqueue("bury")
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 1) // buried on the lease that came when the first had run out
	})
}

// oneByOne is a queue with rules that settles no more than one message a call.
func oneByOne(rules ...faultqueue.Rule) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue {
		return limited{faultqueue.New(q, rules...), func(c *driver.Capabilities) { c.MaxSettleBatch = 1 }}
	}
}

// A release or bury that waits in line behind a settle that hangs is taken by
// another settler, while its lease lasts.
func TestAHangingSettleHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 3 * time.Second
		b := newBench(t, &mem.Options{Hold: hold}, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Settle, Match: func(c *faultqueue.Call) bool { return c.N == 1 }, Fault: faultqueue.Stall(8 * time.Second),
		}))
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Args.Name == "bury" {
				return runtime.Permanent(errBoom)
			}
			return nil
		})
		stop := b.start(runtime.WorkerOptions{})
		b.enqueue("ack")
		synctest.Wait()
		b.enqueue("bury")
		time.Sleep(hold / 2)
		b.stats(0, 1, 1)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// With two queues and one runner a lease can wait for its handler. When the
// broker gives no more time, the handler must not be started at the very end.
func TestNoHandlerIsStartedOnALeaseThatRanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 10 * time.Second
		b := newBench(t, &mem.Options{Hold: time.Hour}, runtime.RetryPolicy{}, nil)
		other, err := mem.New("other", &mem.Options{Hold: hold})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.queues.Add(runtime.QueueInfo{Name: "other", Driver: faultqueue.New(other, faultqueue.Rule{
			Op: faultqueue.Extend, Fault: faultqueue.FailBefore(errDown),
		})}); err != nil {
			t.Fatal(err)
		}
		client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{DefaultQueue: "jobs"})
		if err != nil {
			t.Fatal(err)
		}
		var received time.Time
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Queue == "jobs" {
				time.Sleep(time.Second + hold)
				return nil
			}
			if task.Attempt == 1 {
				t.Errorf("the handler was started %v after the receive of a hold of %v", time.Since(received), hold)
			}
			return nil
		})
		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		time.Sleep(time.Second) // both polls wait
		if _, err := runtime.Enqueue(t.Context(), client, job{"long"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		received = time.Now()
		if _, err := runtime.Enqueue(t.Context(), client, job{"waits"}, runtime.ToQueue("other")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAckWhoseLeaseRanOutBehindAnExtendIsTriedOnce(t *testing.T) {
	for _, answer := range []error{errDown, errLost} {
		synctest.Test(t, func(t *testing.T) {
			var first atomic.Int64
			b := newBench(t, &mem.Options{Hold: 3 * time.Second}, runtime.RetryPolicy{}, faulty(
				faultqueue.Rule{Op: faultqueue.Extend, Fault: func(_ context.Context, c *faultqueue.Call, _ faultqueue.Next) {
					time.Sleep(4 * time.Second)
					c.Fail(answer)
				}},
				faultqueue.Rule{Op: faultqueue.Receive, Match: func(c *faultqueue.Call) bool { return c.N > 1 }, Times: 1, Fault: faultqueue.Stall(10 * time.Second)},
				faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					if c.Batch[0].Lease.Attempt() == 1 {
						first.Add(1)
					}
					next(ctx, c)
				}},
			))
			b.handle(func(_ context.Context, task *runtime.Task[job]) error {
				if task.Attempt == 1 {
					time.Sleep(2 * time.Second)
				}
				return nil
			})
			b.runFor(time.Minute)
			if first.Load() != 1 {
				t.Errorf("after %v the first ack was tried %d times, want once", answer, first.Load())
			}
			b.stats(0, 0, 0)
		})
	}
}
