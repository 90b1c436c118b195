package runtime_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// lapses are faults by which the first lease of a message cannot be extended, and
// is lost a second before the broker gives it to somebody else.
func lapses() []faultqueue.Rule {
	return []faultqueue.Rule{
		{Op: faultqueue.Extend, Match: func(c *faultqueue.Call) bool { return c.Leases[0].Attempt() == 1 }, Fault: faultqueue.FailBefore(errDown)},
		{Op: faultqueue.Receive, Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) {
			for i, l := range c.Received {
				c.Received[i] = faultqueue.Wrap(l, func(v *faultqueue.View) { v.Expires = v.Expires.Add(-time.Second) })
			}
		})},
	}
}

// A message whose lease lapsed while its handler runs comes again, here. It is
// not run twice: the newer lease is kept, and takes the ack.
func TestAMessageReceivedTwiceRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, faulty(lapses()...))
		var acked atomic.Int64
		r := newRuns()
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			r.add()
			time.Sleep(time.Minute) // whatever ctx says
			if !errors.Is(context.Cause(ctx), runtime.ErrLeaseLost) {
				t.Errorf("the context ended with %v", context.Cause(ctx))
			}
			return nil
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{OnSettled: func(s runtime.Settled) {
			if s.Err == nil && s.Decision.Settlement.Lease.Attempt() == 2 {
				acked.Add(1)
			}
		}})
		time.Sleep(30 * time.Second)
		b.stats(0, 1, 0)
		time.Sleep(time.Minute)
		if n := len(r.all()); n != 1 || acked.Load() != 1 {
			t.Errorf("ran %d times, acked the second lease %d times; want once each", n, acked.Load())
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

// A handler that heeds the lost lease has not failed: what came again is released
// at once.
func TestAHandlerThatStopsOnALostLeaseRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, faulty(lapses()...))
		r := newRuns()
		b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
			if r.add(); task.Attempt > 1 {
				return nil
			}
			<-ctx.Done()
			time.Sleep(2 * time.Second) // it takes a while; by then the message is here again
			return ctx.Err()
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		if at := r.all(); len(at) != 2 || at[1] > 9*time.Second {
			t.Errorf("ran at %v, want again within 9s", at)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 0)
	})
}

// So too while a call that is to extend the older lease hangs.
func TestWhatComesAgainBehindACallThatHangsIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := lapses()
		start := time.Now()
		rules[0].Fault = func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			if time.Since(start) < 50*time.Second {
				c.Fail(errDown)
				return
			}
			faultqueue.Hang()(ctx, c, next) // for 20 s
		}
		b := newBench(t, &mem.Options{Hold: time.Minute}, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, faulty(rules...))
		r := newRuns()
		b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
			if r.add(); task.Attempt > 1 {
				return nil
			}
			<-ctx.Done() // at 59 s
			time.Sleep(2 * time.Second)
			return ctx.Err()
		})
		b.runFor(5 * time.Minute)
		if at := r.all(); len(at) != 2 || at[1] > 75*time.Second {
			t.Errorf("ran at %v, want again within 75s", at)
		}
		b.stats(0, 0, 0)
	})
}

// A broker may deliver a message again although its lease runs, and before its
// settle or while that is under way.
func TestWhatComesTwiceIsSettledTwice(t *testing.T) {
	for name, verdict := range map[string]error{"ack": nil, "release": errBoom, "bury": runtime.Permanent(errBoom), "snooze": runtime.Snooze(time.Minute)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var twice driver.Lease
				var mu sync.Mutex
				settled := make(map[string]int) // guarded by mu
				b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, faulty(
					faultqueue.Rule{Op: faultqueue.Receive, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
						if twice != nil {
							time.Sleep(10 * time.Millisecond)
							c.Received = []driver.Lease{faultqueue.Wrap(twice, func(v *faultqueue.View) { v.Attempt = 2 })}
							twice = nil
							return
						}
						if next(ctx, c); len(c.Received) == 1 && c.Received[0].Attempt() == 1 && c.Received[0].Message().Carry.IsZero() {
							twice = c.Received[0]
						}
					}},
					faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
						mu.Lock()
						for _, s := range c.Batch {
							settled[s.Verdict.String()]++
						}
						mu.Unlock()
						time.Sleep(time.Second) // and meanwhile it comes again
						next(ctx, c)
					}},
				))
				r := newRuns()
				b.handle(func(context.Context, *runtime.Task[job]) error {
					if r.add() == 1 {
						return verdict
					}
					return nil
				})
				b.enqueue("a")
				var deaths atomic.Int64
				stop := b.start(runtime.WorkerOptions{OnDead: func(runtime.Settled) { deaths.Add(1) }})
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if n := len(r.all()); n != 1 {
					t.Errorf("ran %d times, want once", n)
				}
				mu.Lock()
				n := settled["ack"] + settled["release"]
				if name == "bury" {
					n = settled["bury"] + settled["ack"]
				}
				if n != 2 {
					t.Errorf("settled %v, want each lease", settled)
				}
				mu.Unlock()
				time.Sleep(2 * time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				dead := int64(0)
				if name == "bury" {
					dead = 1
				}
				b.stats(0, 0, dead)
				if deaths.Load() != dead {
					t.Errorf("told of %d deaths, want %d", deaths.Load(), dead)
				}
			})
		})
	}
}
