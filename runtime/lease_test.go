package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
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

var (
	errDown = driver.Errorf(driver.Unavailable, "test", "the broker is down")
	errLost = driver.Errorf(driver.LeaseLost, "test", "the lease was lost")
)

// faulty is a layer that makes calls fail.
func faulty(rules ...faultqueue.Rule) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue { return faultqueue.New(q, rules...) }
}

// recorded is a layer that records which calls begin and end.
type recorded struct {
	mu    sync.Mutex
	calls []string // guarded by mu
}

func (r *recorded) rule(op faultqueue.Op, before faultqueue.Fault) faultqueue.Rule {
	return faultqueue.Rule{Op: op, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		r.note(op.String() + " begins")
		before(ctx, c, next)
		r.note(op.String() + " ends")
	}}
}

func (r *recorded) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, s)
}

func (r *recorded) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.calls, ", ")
}

func TestASettleThatFailsIsTriedAgainOnAKeptLease(t *testing.T) {
	for name, c := range map[string]struct {
		fault faultqueue.Fault
		err   bool // the end is not known to the worker
	}{
		"before it took effect": {faultqueue.FailBefore(errDown), false},
		"after it took effect":  {faultqueue.FailAfter(errDown), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &mem.Options{Hold: time.Second}, runtime.RetryPolicy{},
					faulty(faultqueue.Rule{Op: faultqueue.Settle, Times: 5, Fault: c.fault}))
				var ran atomic.Int64
				b.handle(func(context.Context, *runtime.Task[job]) error { ran.Add(1); return nil })
				b.enqueue("a")
				ends := make(chan runtime.Settled, 9)
				stop := b.start(runtime.WorkerOptions{OnSettled: func(s runtime.Settled) { ends <- s }})
				s := <-ends
				if c.err != (s.Err != nil) || s.Decision.Settlement.Verdict != driver.Ack {
					t.Errorf("settled %+v", s)
				}
				time.Sleep(time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if ran.Load() != 1 || len(ends) != 0 {
					t.Errorf("ran %d times, %d more ends", ran.Load(), len(ends))
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

func TestASettleIsGivenUpAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		b := newBench(t, &mem.Options{Hold: 10 * time.Second}, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Settle, Match: func(*faultqueue.Call) bool { return down.Load() }, Fault: faultqueue.FailBefore(errDown),
		}))
		down.Store(true)
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error { r.add(); return nil })
		b.enqueue("a")
		ends := make(chan runtime.Settled, 9)
		stop := b.start(runtime.WorkerOptions{SettleTimeout: 30 * time.Second, OnSettled: func(s runtime.Settled) { ends <- s }})
		if s := <-ends; !driver.Is(s.Err, driver.Unavailable) {
			t.Errorf("settled with %v, want the broker's error", s.Err)
		}
		if at := time.Since(r.start); at < 15*time.Second || at > 30*time.Second {
			t.Errorf("given up after %v", at)
		}
		down.Store(false)
		<-ends
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if len(r.all()) != 2 {
			t.Errorf("ran at %v, want twice", r.all())
		}
		b.stats(0, 0, 0)
	})
}

func TestAnExtendThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 12 * time.Second}, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Extend, Match: func(c *faultqueue.Call) bool { return c.N%3 != 0 }, Fault: faultqueue.FailBefore(errDown),
		}))
		var ran atomic.Int64
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			ran.Add(1)
			return wait(ctx, 10*time.Minute)
		})
		b.runFor(11 * time.Minute)
		if ran.Load() != 1 {
			t.Errorf("ran %d times, want once", ran.Load())
		}
		b.stats(0, 0, 0)
	})
}

// A lease may be shorter than what was asked for: setting the hold can fail after a
// receive. Its extends keep its own time.
func TestAnExtendOfAShorterLeaseIsTriedAgainInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 30 * time.Second}, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Lie(func(c *faultqueue.Call) { c.Options.Hold = 0 }, nil)},
			faultqueue.Rule{Op: faultqueue.Extend, Match: func(c *faultqueue.Call) bool { return c.N <= 3 }, Fault: faultqueue.FailBefore(errDown)},
		))
		r := newRuns()
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			r.add()
			return wait(ctx, time.Minute)
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{Hold: time.Hour})
		time.Sleep(5 * time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(r.all()); n != 1 {
			t.Errorf("ran %d times, want once", n)
		}
		b.stats(0, 0, 0)
	})
}

// A broker that asks to wait for centuries is neither asked without pause nor left
// alone for good.
func TestABrokersWishToWaitIsBounded(t *testing.T) {
	for op, want := range map[faultqueue.Op]int32{faultqueue.Receive: 3, faultqueue.Extend: 1, faultqueue.Settle: 1} {
		t.Run(op.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: op, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					if calls.Add(1) > 100 {
						next(ctx, c) // or it goes round for ever
						return
					}
					c.Fail(&driver.Error{Code: driver.Throttled, RetryAfter: math.MaxInt64})
				}}))
				ended := false
				b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
					if ended {
						return nil
					}
					ended = true
					return wait(ctx, 20*time.Second)
				})
				b.enqueue("a")
				stop := b.start(runtime.WorkerOptions{})
				if op == faultqueue.Receive {
					time.Sleep(150 * time.Minute)
				} else {
					time.Sleep(29 * time.Second) // the lease runs for 30
				}
				if n := calls.Load(); n != want {
					t.Errorf("%d calls, want %d", n, want)
				}
				_ = stop()
			})
		})
	}
}

// wait waits unless ctx ends first, whose cause it returns.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestALostLeaseEndsTheHandlersContext(t *testing.T) {
	const hold = 12 * time.Second
	for name, c := range map[string]struct {
		fault   faultqueue.Fault
		earlier time.Duration // before the end of the hold
	}{
		"the broker says so":     {faultqueue.FailBefore(errLost), hold / 2},
		"extending hangs":        {faultqueue.Hang(), 0},
		"extending always fails": {faultqueue.FailBefore(errDown), 0},
		"it cannot be extended":  {faultqueue.FailBefore(driver.Errorf(driver.InvalidArgument, "test", "no")), 0},
	} {
		for _, returns := range []error{nil, errBoom} {
			t.Run(fmt.Sprint(name, " and the handler returns ", returns), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var settles []driver.Verdict
					b := newBench(t, &mem.Options{Hold: hold}, runtime.RetryPolicy{}, faulty(
						faultqueue.Rule{Op: faultqueue.Extend, Match: func(c *faultqueue.Call) bool { return c.Leases[0].Attempt() == 1 }, Fault: c.fault},
						faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
							settles = append(settles, c.Batch[0].Verdict)
							next(ctx, c)
						}},
					))
					var lostAt time.Duration
					start := time.Now()
					b.handle(func(ctx context.Context, task *runtime.Task[job]) error {
						if task.Attempt > 1 {
							return nil
						}
						<-ctx.Done()
						lostAt = time.Since(start)
						if context.Cause(ctx) != runtime.ErrLeaseLost {
							t.Errorf("cause %v", context.Cause(ctx))
						}
						return returns
					})
					b.enqueue("a")
					stop := b.start(runtime.WorkerOptions{Concurrency: 1})
					time.Sleep(time.Hour)
					if err := stop(); err != nil {
						t.Fatal(err)
					}
					if c.earlier == 0 && lostAt != hold || c.earlier > 0 && lostAt > hold-c.earlier {
						t.Errorf("told after %v of %v", lostAt, hold)
					}
					want := []driver.Verdict{driver.Ack} // of the second attempt
					if returns == nil && c.earlier == 0 {
						want = []driver.Verdict{driver.Ack, driver.Ack} // one try for the first
					}
					if !slices.Equal(settles, want) {
						t.Errorf("settled with %v, want %v", settles, want)
					}
					b.stats(0, 0, 0)
				})
			})
		}
	}
}

func TestExtendAndSettleNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorded
		slow := faultqueue.Stall(2 * time.Second)
		b := newBench(t, &mem.Options{Hold: 12 * time.Second}, runtime.RetryPolicy{}, faulty(
			r.rule(faultqueue.Extend, slow), r.rule(faultqueue.Settle, slow),
		))
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(4 * time.Second) // into the first extend, which begins between 3.2 s and 4 s
			r.note("handler ends")
			return nil
		})
		b.runFor(time.Minute)
		if got, want := r.all(), "extend begins, handler ends, extend ends, settle begins, settle ends"; got != want {
			t.Errorf("calls: %s\nwant:  %s", got, want)
		}
		b.stats(0, 0, 0)
	})
}

func TestPollingGoesOnAfterFailuresAndEndsWhenItCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Receive, Times: 3, Fault: faultqueue.FailBefore(errDown)},
			faultqueue.Rule{Op: faultqueue.Receive, Match: func(c *faultqueue.Call) bool { return c.N == 5 },
				Fault: func(_ context.Context, c *faultqueue.Call, _ faultqueue.Next) {
					time.Sleep(time.Second) // the task is done meanwhile
					c.Fail(driver.Errorf(driver.NotFound, "test", "the queue is gone"))
				}},
		))
		var ran atomic.Int64
		b.handle(func(context.Context, *runtime.Task[job]) error { ran.Add(1); return nil })
		b.enqueue("a")
		w, err := runtime.NewWorker(b.queues, b.mux, &runtime.WorkerOptions{Logger: slog.New(slog.NewTextHandler(b.log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Run(t.Context()); !driver.Is(err, driver.NotFound) {
			t.Errorf("run: %v, want NotFound", err)
		}
		if ran.Load() != 1 {
			t.Errorf("ran %d times, want once", ran.Load())
		}
		if err := w.Run(t.Context()); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("second run: %v, want InvalidArgument", err)
		}
	})
}

// limited lies about a queue's capabilities.
type limited struct {
	driver.Queue
	change func(*driver.Capabilities)
}

func (l limited) Capabilities() driver.Capabilities {
	c := l.Queue.Capabilities()
	l.change(&c)
	return c
}

func TestADelayThatTheBrokerCannotGiveTravelsAsACopy(t *testing.T) {
	for name, change := range map[string]func(*driver.Capabilities){
		"no delayed release":     func(c *driver.Capabilities) { c.ReleaseDelay = driver.Support{}; c.MaxReleaseDelay = 0 },
		"too long for a release": func(c *driver.Capabilities) { c.MaxReleaseDelay = time.Hour },
		"too long for the lease": func(c *driver.Capabilities) { c.MaxTotalHold = 2 * time.Hour },
		"too long for a send":    func(c *driver.Capabilities) { c.MaxReleaseDelay = time.Hour; c.MaxSendDelay = 50 * time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fail := faultqueue.Rule{Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.N > 1 },
					Times: 2, Fault: faultqueue.FailBefore(errDown)}
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(2 * time.Hour), NoJitter: true},
					func(q driver.Queue) driver.Queue { return faultqueue.New(limited{q, change}, fail) })
				r := newRuns()
				var ids []runtime.TaskID
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					if n := r.add(); task.Attempt != n {
						t.Errorf("run %d is attempt %d", n, task.Attempt)
					}
					ids = append(ids, task.ID)
					return fmt.Errorf("boom %d", task.Attempt)
				})
				id := b.enqueue("a")
				stop := b.start(runtime.WorkerOptions{})
				time.Sleep(12 * time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(ids, []runtime.TaskID{id, id, id}) {
					t.Errorf("ran as %v, want three times %v", ids, id)
				}
				for i, at := range r.all() {
					if due := time.Duration(i) * 2 * time.Hour; at < due-time.Second || at > due+10*time.Second {
						t.Errorf("run %d at %v, want %v", i+1, at, due)
					}
				}
				if d := b.dead().Death; d.Reason != driver.ReasonExhausted || d.Attempts != 3 || d.Detail != "boom 3; first error: boom 1" {
					t.Errorf("death record %+v", d)
				}
				b.stats(0, 0, 1)
			})
		})
	}
}

func TestACopyIsNotSentOnALostLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sends := 0
		b := newBench(t, nil, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, func(q driver.Queue) driver.Queue {
			return faultqueue.New(limited{q, func(c *driver.Capabilities) { c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{}, 0 }},
				faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.FailBefore(errLost)},
				faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					sends++
					next(ctx, c)
				}})
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { return errBoom })
		b.runFor(10 * time.Second)
		if sends != 1 {
			t.Errorf("%d sends, want only the first", sends)
		}
		b.stats(0, 1, 0)
	})
}

func TestACopyIsNotSentOnALeaseThatWasConfirmedTooSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 8 * time.Second
		var left []time.Duration
		var end time.Time
		b := newBench(t, &mem.Options{Hold: hold}, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, func(q driver.Queue) driver.Queue {
			return faultqueue.New(limited{q, func(c *driver.Capabilities) { c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{}, 0 }},
				faultqueue.Rule{Op: faultqueue.Extend, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					next(ctx, c)
					end = c.Extended[0].Expires
					if c.N <= 2 {
						time.Sleep(5 * time.Second) // the answer is slow
					}
				}},
				faultqueue.Rule{Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.N > 1 },
					Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
						left = append(left, time.Until(end))
						next(ctx, c)
					}})
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { return errBoom })
		b.runFor(time.Minute)
		if len(left) != 1 || left[0] < hold/2 {
			t.Errorf("copies with %v left, want one with at least %v", left, hold/2)
		}
		b.stats(1, 0, 0)
	})
}

func TestABuryThatIsTooLargeGoesWithoutDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Settle, Match: func(c *faultqueue.Call) bool { return c.Batch[0].Detail != "" },
			Fault: faultqueue.FailBefore(driver.Errorf(driver.TooLarge, "test", "too large")),
		}))
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Permanent(errBoom) })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if d := b.dead().Death; d.Reason != driver.ReasonPermanent || d.Detail != "" {
			t.Errorf("death record %+v", d)
		}
	})
}
