package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestWhatDiesAgainDuringARedriveIsNotMovedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 50)
		g.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Permanent(errBoom) })
		stop := g.start(runtime.WorkerOptions{})
		g.redrive(&runtime.RedriveOptions{Rate: 10}, runtime.RedriveReport{Examined: 100, Moved: 50, Kept: 50, Complete: true})
		if err := stop(); err != nil {
			g.Fatal(err)
		}
		g.stats(0, 0, 50)
		for _, l := range g.drain(g.inner.DeadLetter()) {
			if n := l.Message().Carry.Redrives; n != 1 {
				g.Errorf("%s was redriven %d times", l.Message().ID, n)
			}
		}
	})
}

// Whoever buries has a clock of its own: by it nothing is newer here.
func TestATaskThatDiesAgainIsKnownWithoutClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 20)
		g.faults.Add(faultqueue.Rule{
			Op: faultqueue.Receive, Match: dead, Fault: faultqueue.Lie(nil, views(func(v *faultqueue.View) {
				death := *v.Message.Death
				death.At = death.At.Add(-5 * time.Minute)
				v.Message.Death = &death
			})),
		})
		g.send(driver.Message{Body: []byte("no task")})
		g.bury()
		g.mux = runtime.NewMux(&runtime.MuxOptions{RawKind: "raw"})
		fail := func(context.Context, *runtime.Info) error { return runtime.Permanent(errBoom) }
		g.mux.HandleRaw("job", fail)
		g.mux.HandleRaw("raw", fail)
		stop := g.start(runtime.WorkerOptions{})
		g.redrive(&runtime.RedriveOptions{Rate: 10}, runtime.RedriveReport{Examined: 42, Moved: 21, Kept: 21, Complete: true})
		if err := stop(); err != nil {
			g.Fatal(err)
		}
		g.stats(0, 0, 21)
	})
}

// What dies meanwhile may come before what was dead, page after page.
func TestARedriveLooksBehindWhatDiedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 50)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Times: 3, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			time.Sleep(time.Millisecond)
			old := g.drain(g.inner.DeadLetter())
			for range 10 {
				g.send(driver.Message{Body: []byte("another")})
			}
			g.bury()
			time.Sleep(time.Millisecond)
			next(ctx, c)
			for _, l := range old {
				g.inner.DeadLetter().Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Release}})
			}
		}})
		g.redrive(nil, runtime.RedriveReport{Examined: 80, Moved: 50, Kept: 30, Complete: true})
	})
}

func dead(c *faultqueue.Call) bool { return c.Dead }

// views changes what the leases of a receive tell.
func views(change func(*faultqueue.View)) func(*faultqueue.Call) {
	return func(c *faultqueue.Call) {
		for i, l := range c.Received {
			c.Received[i] = faultqueue.Wrap(l, change)
		}
	}
}

func TestClocksThatDifferKeepNothingFromBeingRedriven(t *testing.T) {
	for name, change := range map[string]func(*faultqueue.View){
		"the worker's is ahead": func(v *faultqueue.View) {
			v.Message.Death = &driver.Death{Reason: "permanent", At: time.Now().Add(5 * time.Minute)}
		},
		"the broker's is ahead":           func(v *faultqueue.View) { v.Message.SentAt = time.Now().Add(5 * time.Minute) },
		"the worker's is behind":          func(v *faultqueue.View) { v.Message.SentAt = time.Now().Add(-5 * time.Minute) },
		"nobody knows when":               func(v *faultqueue.View) { v.Message.Death = &driver.Death{Reason: "permanent"} },
		"nobody knows why":                func(v *faultqueue.View) { v.Message.Death, v.Message.Defect = nil, errBoom },
		"from the future, by no broker's": func(v *faultqueue.View) { v.Message.SentAt = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 3)
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Fault: faultqueue.Lie(nil, views(change))})
				g.redrive(nil, moved(3))
				g.tally(3, 0)
			})
		})
	}
}

// What first dies while a redrive runs was not asked for.
func TestWhatDiesDuringARedriveStaysDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 20)
		g.redrive(&runtime.RedriveOptions{Rate: 1, Progress: func(r runtime.RedriveReport) {
			if r.Moved == 5 {
				g.send(driver.Message{Body: []byte("another")})
				leases := g.drain(g.inner)
				last := leases[len(leases)-1]
				_ = g.inner.Settle(g.Context(), []driver.Settlement{{Lease: last, Verdict: driver.Bury, Reason: "permanent"}})
			}
		}}, runtime.RedriveReport{Examined: 21, Moved: 20, Kept: 1, Complete: true})
	})
}

// A broker may deliver twice what is leased. That must not hide what is new.
func TestWhatIsDeliveredTwiceIsLookedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 6)
		ids := g.ids
		var first []driver.Lease
		g.faults.Add(
			faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				if c.N >= 2 && c.N <= 5 {
					time.Sleep(500 * time.Millisecond)
					c.Received = first
					return
				}
				c.Options.Max = 3
				next(ctx, c)
				if first == nil {
					first = c.Received
				}
			}},
			faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.Lie(func(c *faultqueue.Call) {
				seen := make(map[string]bool)
				for _, l := range c.Leases {
					if id := l.Message().ID; seen[id] {
						g.Errorf("%s is extended twice at once", id)
					} else {
						seen[id] = true
					}
				}
			}, nil)},
		)
		g.redrive(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool { return d.ID == ids[5] }},
			runtime.RedriveReport{Examined: 6, Moved: 1, Kept: 5, Complete: true})
		g.tally(1, 5)
	})
}

// So it may within one receive.
func TestWhatIsDeliveredTwiceAtOnceIsDecidedOnOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		match bool
		want  runtime.RedriveReport
	}{
		"chosen": {true, runtime.RedriveReport{Examined: 3, Moved: 3, Complete: true}},
		"not":    {false, runtime.RedriveReport{Examined: 3, Kept: 3, Complete: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 3)
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) {
					c.Received = append(c.Received, c.Received...)
				})})
				asked := 0
				g.redrive(&runtime.RedriveOptions{Match: func(runtime.DeadTask) bool { asked++; return tt.match }}, tt.want)
				if asked != 3 {
					t.Errorf("asked about %d, want 3", asked)
				}
				g.tally(tt.want.Moved, tt.want.Kept)
			})
		})
	}
}

// Copies of one task that were dead before the redrive are all moved, and so are
// messages that are no tasks, whatever they went through.
func TestDeadLettersThatResembleEachOtherAreAllMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 0)
		g.send(driver.Message{Body: []byte("ping")})
		g.send(driver.Message{Body: []byte("ping")})
		g.send(driver.Message{Body: []byte("pong"), Carry: driver.Carry{Redrives: 3}})
		g.bury()
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Lie(func(c *faultqueue.Call) { c.Options.Max = 1 }, nil)})
		g.redrive(nil, moved(3))
	})
}
