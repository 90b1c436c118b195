package runtime_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var errFull = driver.Errorf(driver.Throttled, "test", "too many requests")

func TestARedriveThatIsInterruptedIsRunAgain(t *testing.T) {
	const n = 30
	settle := func(g *graveyard, f faultqueue.Fault) {
		g.faults.Add(faultqueue.Rule{
			Op: faultqueue.Settle, Match: func(c *faultqueue.Call) bool { return c.Dead && c.N == 4 }, Fault: f,
		})
	}
	for name, c := range map[string]struct {
		interrupt func(g *graveyard, cancel func())
		code      driver.Code
		reason    string
		moved     int // as it is reported
		left      int // to move, when run again
		after     time.Duration
	}{
		"the context ends": {
			interrupt: func(_ *graveyard, cancel func()) { time.AfterFunc(1050*time.Millisecond, cancel) },
			code:      driver.Canceled, reason: "interrupted", moved: 11, left: 19,
		},
		"the context ends during a move": {
			interrupt: func(g *graveyard, cancel func()) {
				settle(g, faultqueue.Lie(func(*faultqueue.Call) { cancel() }, nil))
			},
			code: driver.Canceled, reason: "interrupted", moved: 4, left: 26,
		},
		"cut off before a move": {
			interrupt: func(g *graveyard, _ func()) { settle(g, g.faults.Cut()) },
			code:      driver.Unavailable, reason: "move failed", moved: 3, left: 27, after: time.Minute,
		},
		"cut off after a move": {
			interrupt: func(g *graveyard, _ func()) { settle(g, g.faults.CutAfter()) },
			code:      driver.Unavailable, reason: "move failed", moved: 3, left: 26, after: time.Minute,
		},
		"cut off at a receive": {
			interrupt: func(g *graveyard, _ func()) {
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Match: func(c *faultqueue.Call) bool { return c.N == 2 }, Fault: g.faults.CutAfter()})
			},
			code: driver.Unavailable, reason: "receive failed", moved: 30, left: 0, after: time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, n)
				ctx, cancel := context.WithCancel(g.Context())
				defer cancel()
				c.interrupt(g, cancel)
				start := time.Now()
				r, err := runtime.Redrive(ctx, g.queues, "jobs", &runtime.RedriveOptions{Rate: 10})
				if !driver.Is(err, c.code) || !strings.HasPrefix(err.Error(), `runtime: redrive "jobs": `) {
					g.Errorf("the error is %v; want code %v", err, c.code)
				}
				if c.after == 0 && time.Since(start) > 2*time.Second {
					g.Errorf("it ended after %v", time.Since(start))
				}
				if r.Moved != c.moved || r.Complete || !strings.Contains(r.Reason, c.reason) {
					g.Errorf("report %+v; want %d moved and reason %q", r, c.moved, c.reason)
				}
				time.Sleep(c.after) // what a caller that was cut off holds comes back then
				again := runtime.Queues{}
				if err := again.Add(runtime.QueueInfo{Name: "jobs", Driver: g.inner}); err != nil {
					g.Fatal(err)
				}
				r, err = runtime.Redrive(g.Context(), &again, "jobs", nil)
				if err != nil {
					g.Error(err)
				}
				g.reported(r, moved(c.left))
				live := g.drain(g.inner)
				for _, l := range live {
					if l.Message().Carry.Redrives != 1 {
						g.Errorf("redriven %d times", l.Message().Carry.Redrives)
					}
				}
				if len(live) != n {
					g.Errorf("%d messages are live; want %d", len(live), n)
				}
			})
		})
	}
}

func TestCallsOfARedriveThatFailAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		rule faultqueue.Rule
		want runtime.RedriveReport
	}{
		"receive":       {faultqueue.Rule{Op: faultqueue.Receive, Times: 4, Fault: faultqueue.FailBefore(errFull)}, moved(10)},
		"settle":        {faultqueue.Rule{Op: faultqueue.Settle, Times: 4, Fault: faultqueue.FailBefore(errDown)}, moved(10)},
		"settle of one": {faultqueue.Rule{Op: faultqueue.Settle, Times: 4, Fault: faultqueue.On(faultqueue.Item(0), faultqueue.FailBefore(errDown))}, moved(10)},
		"extend":        {faultqueue.Rule{Op: faultqueue.Extend, Times: 2, Fault: faultqueue.FailBefore(errDown)}, moved(10)},
		"settle while leases lapse": {faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: faultqueue.FailAfter(errDown)},
			runtime.RedriveReport{Examined: 10, Failed: 10, Reason: "10 failed, the first with: "}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 10)
				c.rule.Match = dead
				g.faults.Add(c.rule)
				g.redrive(nil, c.want)
				g.tally(10, 0)
			})
		})
	}
}

// What a receive has leased whose answer was lost is not there to be seen.
func TestARedriveThatMissedAnAnswerIsNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 10)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Times: 1, Fault: faultqueue.FailAfter(errDown)})
		g.redrive(nil, runtime.RedriveReport{Reason: "but a receive failed"})
		time.Sleep(time.Second)
		g.redrive(nil, moved(10))
	})
	synctest.Test(t, func(t *testing.T) { // its hold is over before the redrive is
		g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 10)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Times: 1, Fault: faultqueue.FailBefore(errDown)})
		g.redrive(&runtime.RedriveOptions{Rate: 1}, moved(10))
	})
}

func TestARedriveGivesUpAfterHalfAMinute(t *testing.T) {
	for _, op := range []faultqueue.Op{faultqueue.Receive, faultqueue.Settle} {
		t.Run(op.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 3)
				g.faults.Add(faultqueue.Rule{Op: op, Fault: faultqueue.On(
					func(int) bool { return true }, func(_ context.Context, c *faultqueue.Call, next faultqueue.Next) {
						if c.Op == faultqueue.Settle && c.Batch[0].Verdict == driver.Release {
							next(g.Context(), c)
							return
						}
						c.Fail(errDown)
					}), Match: func(c *faultqueue.Call) bool { return c.Op == faultqueue.Settle }})
				g.faults.Add(faultqueue.Rule{Op: op, Fault: faultqueue.FailBefore(errDown)})
				start := time.Now()
				r, err := runtime.Redrive(g.Context(), g.queues, "jobs", nil)
				if !errors.Is(err, errDown) || r.Complete || r.Moved != 0 {
					g.Errorf("report %+v, error %v", r, err)
				}
				if took := time.Since(start); took < 15*time.Second || took > 30*time.Second {
					g.Errorf("it took %v", took)
				}
				g.tally(0, 3)
			})
		})
	}
}

func TestARedriveEndsWithAnErrorThatNoRetryCanHelp(t *testing.T) {
	refused := driver.Errorf(driver.PermissionDenied, "test", "refused")
	for _, op := range []faultqueue.Op{faultqueue.Receive, faultqueue.Settle} {
		t.Run(op.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 3)
				g.faults.Add(faultqueue.Rule{Op: op, Times: 1, Fault: faultqueue.FailBefore(refused)})
				start := time.Now()
				r, err := runtime.Redrive(g.Context(), g.queues, "jobs", nil)
				if !errors.Is(err, refused) || r.Complete || r.Moved != 0 || time.Since(start) > 0 {
					g.Errorf("after %v: report %+v, error %v", time.Since(start), r, err)
				}
				g.tally(0, 3)
			})
		})
	}
}

// One message that cannot be moved does not keep the others.
func TestOneMoveThatIsRefusedStaysDeadAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 5)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: faultqueue.On(faultqueue.Item(1),
			faultqueue.FailBefore(driver.Errorf(driver.TooLarge, "test", "it does not fit")))})
		g.redrive(nil, runtime.RedriveReport{Examined: 5, Moved: 4, Failed: 1, Reason: "1 failed, the first with: test: it does not fit"})
		g.tally(4, 1)
	})
}

// A lost lease does not tell whether the message has moved. When it comes again
// it has not.
func TestAMoveThatLostItsLeaseIsTriedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: time.Second}, 5)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: faultqueue.On(faultqueue.Item(1), faultqueue.FailBefore(errLost))})
		asked := 0
		g.redrive(&runtime.RedriveOptions{Match: func(runtime.DeadTask) bool { asked++; return true }}, moved(5))
		g.tally(5, 0)
		if asked != 5 {
			g.Errorf("Match was asked %d times about 5 messages", asked)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: time.Second}, 5)
		tries := 0
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			faultqueue.On(func(i int) bool { return c.Batch[i].Verdict == driver.Redrive && c.Batch[i].Lease.Message().ID == "m7" },
				func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) { tries++; c.Fail(errLost) })(ctx, c, next)
		}})
		g.redrive(nil, runtime.RedriveReport{Examined: 5, Moved: 4, Failed: 1, Reason: "1 failed"})
		if tries != 2 {
			g.Errorf("it was tried %d times", tries)
		}
		g.tally(4, 1)
	})
}

// Max bounds what is really moved, also when the broker does not say.
func TestMaxHoldsWhenMovesAreUncertain(t *testing.T) {
	second := func(f faultqueue.Fault) faultqueue.Rule {
		return faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Match: dead, Fault: faultqueue.On(faultqueue.Item(1), f)}
	}
	down := faultqueue.Rule{Op: faultqueue.Settle, Times: 5, Match: dead, Fault: faultqueue.FailBefore(errDown)}
	for name, rules := range map[string][]faultqueue.Rule{
		"the lease is lost at the move":                      {second(faultqueue.FailAfter(errLost))},
		"the lease is lost at an extend before the next try": {second(faultqueue.FailAfter(errDown)), down},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, &mem.Options{Hold: time.Second}, 10)
				g.faults.Add(rules...)
				g.redrive(&runtime.RedriveOptions{Max: 4}, runtime.RedriveReport{Examined: 4, Moved: 3, Failed: 1})
				g.tally(4, 6)
			})
		})
	}
}

func TestARedriveEndsThoughTheBrokerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 10)
		g.faults.Add(
			faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.Hang()},
			faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Hang(), Match: func(c *faultqueue.Call) bool {
				return c.Dead && c.Batch[0].Verdict == driver.Release
			}},
		)
		ctx, cancel := context.WithCancel(g.Context())
		const after = 401 * time.Second // an extend of the leases, by then of 20 min, has just begun
		time.AfterFunc(after, cancel)
		start := time.Now()
		r, err := runtime.Redrive(ctx, g.queues, "jobs", &runtime.RedriveOptions{Rate: 0.01, Hold: 20 * time.Minute})
		if took := time.Since(start); !driver.Is(err, driver.Canceled) || took < after || took > after+20*time.Second {
			g.Errorf("it ended after %v: %v", took, err)
		}
		g.reported(r, runtime.RedriveReport{Examined: 5, Moved: 5, Reason: "5 could not be released"})
	})
}

// A receive that is cancelled strands leases on such a queue.
func TestARedriveLetsAReceiveReturnThatIsNotSafeToCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var unsafe *uncancellable
		g := &graveyard{bench: newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			unsafe = &uncancellable{Queue: q}
			return unsafe
		})}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		r, err := runtime.Redrive(ctx, g.queues, "jobs", nil)
		if !driver.Is(err, driver.Canceled) || r.Complete {
			t.Errorf("report %+v, error %v", r, err)
		}
		if unsafe.cancelled {
			t.Error("the receive was cancelled")
		}
	})
}

// uncancellable is a queue whose receives must not be cancelled.
type uncancellable struct {
	driver.Queue
	cancelled bool
}

func (u *uncancellable) Capabilities() driver.Capabilities {
	c := u.Queue.Capabilities()
	c.CancelSafe = false
	return c
}

func (u *uncancellable) DeadLetter() driver.DeadLetter {
	return &uncancellableDead{u.Queue.DeadLetter(), u}
}

type uncancellableDead struct {
	driver.DeadLetter
	queue *uncancellable
}

func (d *uncancellableDead) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := d.DeadLetter.Receive(ctx, o)
	d.queue.cancelled = d.queue.cancelled || ctx.Err() != nil
	return leases, err
}

// Whatever fails, each task is moved once, by one redrive or by the next.
func TestRedrivesLoseAndDoubleNothing(t *testing.T) {
	const n, seeds = 40, 200
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, n)
			faults := []faultqueue.Fault{
				faultqueue.FailBefore(errDown), faultqueue.FailAfter(errDown), faultqueue.FailBefore(errLost), faultqueue.FailAfter(errLost),
				faultqueue.Stall(4 * time.Second), faultqueue.Hang(), faultqueue.On(faultqueue.Item(1), faultqueue.FailAfter(errDown)),
			}
			g.faults.Add(faultqueue.Rule{Match: dead, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				random := rand.New(rand.NewPCG(uint64(seed), uint64(c.N)<<8|uint64(c.Op)))
				f := random.IntN(3 * len(faults))
				if c.Op == faultqueue.Receive && f == 2 || f >= len(faults) { // a receive loses no lease
					next(ctx, c)
					return
				}
				faults[f](ctx, c, next)
			}})
			moved, complete := 0, false
			for pass := 0; pass < 50 && !complete; pass++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seed%7+1)*3*time.Second)
				r, err := runtime.Redrive(ctx, g.queues, "jobs", &runtime.RedriveOptions{Rate: float64(seed % 5 * 10)})
				cancel()
				if complete = r.Complete; complete && err != nil || r.Examined != r.Moved+r.Kept+r.Failed || r.Kept > 0 {
					t.Errorf("seed %d: report %+v, error %v", seed, r, err)
				}
				moved += r.Moved
				time.Sleep(time.Minute) // what an answer got lost of comes back
			}
			g.faults.Clear()
			live, left := g.drain(g.inner), g.drain(g.inner.DeadLetter())
			if !complete || len(live) != n || len(left) != 0 || moved > n {
				t.Errorf("seed %d: %d live, %d dead, %d reported as moved, complete %v", seed, len(live), len(left), moved, complete)
			}
			for _, l := range live {
				if l.Message().Carry.Redrives != 1 {
					t.Errorf("seed %d: redriven %d times", seed, l.Message().Carry.Redrives)
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}
