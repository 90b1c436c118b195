package runtime_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// brief is a queue that delays for no longer than some minutes.
func brief(q driver.Queue) driver.Queue {
	return limited{q, func(c *driver.Capabilities) { c.MaxSendDelay, c.MaxReleaseDelay = 15*time.Minute, 10*time.Minute }}
}

func TestALongDelayNeedsNoMoreOfTheQueue(t *testing.T) {
	for name, wrap := range map[string]func(driver.Queue) driver.Queue{
		"short delays": brief, "no delayed sends": unhurried,
		"no delayed sends and few deliveries": func(q driver.Queue) driver.Queue {
			return limited{q, func(c *driver.Capabilities) {
				c.MaxSendDelay, c.SendDelay = 0, driver.Support{Note: "not here"}
				c.MaxReleaseDelay = 10 * time.Minute
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &mem.Options{MaxReceives: 20}, runtime.RetryPolicy{Backoff: runtime.Fixed(0)}, wrap)
				r := newRuns()
				var attempts []int
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					attempts = append(attempts, task.Attempt)
					if r.add() < 3 {
						return errBoom
					}
					return nil
				})
				b.enqueue("a", runtime.RunAt(time.Now().Add(20*time.Hour)))
				stop := b.start(runtime.WorkerOptions{})
				time.Sleep(30 * time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if want := []int{1, 2, 3}; !slices.Equal(attempts, want) {
					t.Errorf("attempts %v, want %v; hops are none", attempts, want)
				}
				if at := r.all(); at[0] < 20*time.Hour-2*time.Second || at[0] > 20*time.Hour+time.Minute {
					t.Errorf("ran at %v, want 20h", at)
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

func TestDelaysAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := newBench(t, nil, runtime.RetryPolicy{}, brief)
		ordered := newBench(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, nil)
		scheduled := newBench(t, &mem.Options{Ordered: true}, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return limited{q, func(c *driver.Capabilities) {
				c.MaxSendDelay, c.SendDelay = time.Hour, driver.Support{Level: driver.LevelNative}
			}}
		})
		never := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return unhurried(anchored(q)) })
		for _, tt := range []struct {
			b       *bench
			options []runtime.EnqueueOption
			code    driver.Code
			text    string
		}{
			{plain, []runtime.EnqueueOption{runtime.Delay(24*time.Hour + 1)}, driver.InvalidArgument, "exceeds 24h0m0s; use a shorter delay or raise ClientOptions.MaxDelay"},
			{plain, []runtime.EnqueueOption{runtime.RunAt(time.Now().Add(25 * time.Hour))}, driver.InvalidArgument, "exceeds 24h0m0s"},
			{ordered, []runtime.EnqueueOption{runtime.Delay(1), runtime.Group("g")}, driver.Unsupported, "cannot delay a task by 1ns"},
			{scheduled, []runtime.EnqueueOption{runtime.Delay(2 * time.Hour), runtime.Group("g")}, driver.InvalidArgument, "exceeds the 1h0m0s of an ordered queue"},
			{never, []runtime.EnqueueOption{runtime.Delay(1)}, driver.Unsupported, "cannot delay"},
		} {
			if _, err := runtime.Enqueue(t.Context(), tt.b.client, job{"a"}, tt.options...); !driver.Is(err, tt.code) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %v with %q", err, tt.code, tt.text)
			}
			tt.b.stats(0, 0, 0)
		}
		plain.enqueue("past", runtime.RunAt(time.Now().Add(-time.Hour)))
		if leases, err := plain.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1}); err != nil || len(leases) != 1 {
			t.Errorf("a time that is past: %d leases, %v; want the task at once", len(leases), err)
		}
		for _, d := range []time.Duration{-1, 366 * 24 * time.Hour} {
			if _, err := runtime.NewClient(plain.queues, &runtime.ClientOptions{MaxDelay: d}); !driver.Is(err, driver.InvalidArgument) {
				t.Errorf("max delay %v: %v", d, err)
			}
		}
	})
}

// A worker whose clock is minutes behind or ahead of the client's: the task waits
// by the worker's own, and no hop is an attempt.
func TestClocksMayDifferByMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, brief)
		r := newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			r.add()
			if task.Attempt != 1 {
				t.Errorf("attempt %d", task.Attempt)
			}
			return nil
		})
		for _, skew := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
			if err := b.queue.Send(t.Context(), []driver.Message{{
				Body: b.body("a"), Delay: 15 * time.Minute, Carry: driver.Carry{NotBefore: time.Now().Add(time.Hour + skew)},
			}})[0].Err; err != nil {
				t.Fatal(err)
			}
		}
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(2 * time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for i, at := range r.all() {
			if want := 55*time.Minute + time.Duration(i)*5*time.Minute; at < want-2*time.Second || at > want+time.Second {
				t.Errorf("ran at %v, want %v", at, want)
			}
		}
		b.stats(0, 0, 0)
	})
}

// body is a task as it travels.
func (b *bench) body(name string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"id-%s","source":"test","type":"job","data":{"name":%q}}`, name, name)
}

func alive(c *faultqueue.Call) bool { return !c.Dead }

// Reserved attributes of strangers.
func TestACarryFromElsewhereDoesNoHarm(t *testing.T) {
	far := time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		message driver.Message
		ran     int
		reason  string
		text    string
	}{
		"due in thousands of years": {driver.Message{Carry: driver.Carry{NotBefore: far}}, 0, driver.ReasonUndecodable, "due at 9998-01-01T00:00:00Z"},
		"many attempts":             {driver.Message{Carry: driver.Carry{Attempts: 1_000_000_000}}, 0, driver.ReasonCrashed, "delivered 1000000001 times"},
		"many snoozes":              {driver.Message{Carry: driver.Carry{Snoozes: 1_000_000}}, 1, "", ""},
		"many hops":                 {driver.Message{Carry: driver.Carry{Hops: 1_000_000_000, NotBefore: time.Unix(1, 0)}}, 1, "", ""},
		"death in the future":       {driver.Message{Death: &driver.Death{Reason: "x", At: far, Attempts: 99}}, 1, "", ""},
		"defect":                    {driver.Message{Defect: errBoom}, 1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: faultqueue.Receive, Match: alive, Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) {
					for i, l := range c.Received {
						c.Received[i] = faultqueue.Wrap(l, func(v *faultqueue.View) {
							v.Message.Carry, v.Message.Death, v.Message.Defect = tt.message.Carry, tt.message.Death, tt.message.Defect
						})
					}
				})}))
				r := newRuns()
				b.handle(func(context.Context, *runtime.Task[job]) error { r.add(); return nil })
				b.runFor(time.Minute)
				if n := len(r.all()); n != tt.ran {
					t.Errorf("ran %d times, want %d", n, tt.ran)
				}
				if tt.reason == "" {
					b.stats(0, 0, 0)
				} else if leases, err := b.queue.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 1}); err != nil || len(leases) != 1 ||
					leases[0].Message().Death.Reason != tt.reason || !strings.Contains(leases[0].Message().Death.Detail, tt.text) {
					t.Errorf("dead: %v %v", leases, err)
				}
			})
		})
	}
}

// A reserved attribute that does not decode is no reason to refuse the task's copy.
func TestACopyLeavesOutReservedAttributesThatDoNotDecode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := func(c *faultqueue.Call) bool { return !c.Dead && c.N == 1 }
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: faultqueue.Receive, Match: first, Fault: faultqueue.Lie(nil, views(func(v *faultqueue.View) {
			v.Message.Defect = errBoom
			v.Message.Attributes = map[string]string{driver.AttributeCarry: "garbage", driver.AttributeDeath: "garbage", "own": "y"}
		}))}))
		r := newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Attempt != 1 || task.Attributes["own"] != "y" {
				t.Errorf("attempt %d with %v", task.Attempt, task.Attributes)
			}
			if r.add() == 1 {
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		b.runFor(time.Hour)
		if at := r.all(); len(at) != 2 || at[1] != time.Minute {
			t.Errorf("ran at %v, want 0s and 1m", at)
		}
		b.stats(0, 0, 0)
	})
}

// A due time too far ahead is what a stranger wrote. The worker writes none itself.
func TestABackoffBeyondTheLongestDelayBuriesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{Backoff: runtime.Fixed(math.MaxInt64), NoJitter: true}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return errBoom })
		b.runFor(25 * time.Hour) // the queue delays by a day
		b.stats(1, 0, 0)
	})
}

func TestTheFirstErrorIsKept(t *testing.T) {
	for name, wrap := range map[string]func(driver.Queue) driver.Queue{"by this worker": nil, "by copies": func(q driver.Queue) driver.Queue {
		return limited{q, func(c *driver.Capabilities) { c.MaxReleaseDelay = time.Second }}
	}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(time.Minute), NoJitter: true}, wrap)
				n := 0
				b.handle(func(context.Context, *runtime.Task[job]) error { n++; return fmt.Errorf("boom %d", n) })
				b.runFor(time.Hour)
				if d := b.dead().Death; d.Detail != "boom 3; first error: boom 1" || d.Attempts != 3 {
					t.Errorf("death %+v", d)
				}
			})
		})
	}
}
