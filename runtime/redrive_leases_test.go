package runtime_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestARedriveHoldsAtMostAThousandThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 1500)
		ids := g.ids
		g.redrive(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool { return d.ID == ids[3] || d.ID == ids[1400] }},
			runtime.RedriveReport{Examined: 1001, Moved: 1, Kept: 1000, Reason: "it holds 1000 dead letters that stay"})
		g.tally(1, 1499)
	})
}

// Match may ask a person. What is leased is extended meanwhile, so that all are
// asked about once.
func TestASlowMatchKeepsTheLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: time.Second}, 20)
		ids := g.ids
		asked := 0
		g.redrive(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool {
			asked++
			time.Sleep(10 * time.Second)
			if n := len(g.drain(g.inner.DeadLetter())); n > 0 {
				g.Errorf("%d leases have lapsed", n)
			}
			return d.ID == ids[7]
		}}, runtime.RedriveReport{Examined: 20, Moved: 1, Kept: 19, Complete: true})
		if asked != 20 {
			g.Errorf("Match was asked %d times about 20 messages", asked)
		}
		g.tally(1, 19)
	})
}

// Where the leases lapse nevertheless the messages come again, and are known.
func TestLeasesThatLapseAreTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 10 * time.Second}, 20)
		ids := g.ids
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.FailBefore(errDown)})
		asked := make(map[string]int)
		g.redrive(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool {
			asked[d.MessageID]++
			time.Sleep(1500 * time.Millisecond)
			return d.ID == ids[7] || d.ID == ids[12]
		}}, runtime.RedriveReport{Examined: 20, Moved: 2, Kept: 18, Complete: true})
		for id, n := range asked {
			if n != 1 {
				g.Errorf("Match was asked %d times about %s", n, id)
			}
		}
		if len(asked) != 20 {
			g.Errorf("Match was asked about %d messages of 20", len(asked))
		}
		g.stats(2, 0, 18)
	})
}

// mem gives a lease 12 hours; four fifths of that are for the redrive.
func TestARedriveEndsBeforeItsLeasesMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 2000)
		start := time.Now()
		g.redrive(&runtime.RedriveOptions{Rate: 0.01}, runtime.RedriveReport{Examined: 346, Moved: 346, Reason: "it took 9h36m0s"})
		if took := time.Since(start); took != 12*time.Hour/5*4 {
			g.Errorf("it took %v", took)
		}
		g.tally(346, 2000-346)
	})
}

// Leases that nobody will need are hidden from everybody else.
func TestRedriveLeasesNoMoreThanItMayMoveSoon(t *testing.T) {
	for name, c := range map[string]struct {
		opts runtime.RedriveOptions
		most int
		want runtime.RedriveReport
	}{
		"max":  {runtime.RedriveOptions{Max: 4}, 4, runtime.RedriveReport{Examined: 4, Moved: 4}},
		"rate": {runtime.RedriveOptions{Rate: 3}, 30, moved(100)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 100)
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Fault: faultqueue.Lie(func(call *faultqueue.Call) {
					if call.Options.Max > c.most {
						g.Errorf("it asked for %d; want at most %d", call.Options.Max, c.most)
					}
				}, nil)})
				g.redrive(&c.opts, c.want)
			})
		})
	}
}

// What Match chose before its lease lapsed is moved when it comes again, without
// another question.
func TestWhatWasChosenAndLapsedIsMovedWhenItComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 4)
		g.faults.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.FailBefore(errDown)})
		asked := 0
		g.redrive(&runtime.RedriveOptions{Rate: 0.1, Match: func(runtime.DeadTask) bool { asked++; return true }}, moved(4))
		if asked != 4 {
			g.Errorf("Match was asked %d times about 4 messages", asked)
		}
		g.tally(4, 0)
	})
}

func TestAnExtendAndAMoveOfOneLeaseAreNeverUnderWayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, 10)
		var mu sync.Mutex
		extending := make(map[string]bool) // guarded by mu
		mark := func(leases []driver.Lease, v bool) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range leases {
				extending[l.Message().ID] = v
			}
		}
		overlaps := 0
		g.faults.Add(
			faultqueue.Rule{Op: faultqueue.Extend, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				mark(c.Leases, true)
				time.Sleep(900 * time.Millisecond)
				next(ctx, c)
				mark(c.Leases, false)
			}},
			faultqueue.Rule{Op: faultqueue.Settle, Match: dead, Fault: faultqueue.Lie(func(c *faultqueue.Call) {
				mu.Lock()
				defer mu.Unlock()
				for _, s := range c.Batch {
					if extending[s.Lease.Message().ID] {
						overlaps++
					}
				}
			}, nil)},
		)
		g.redrive(&runtime.RedriveOptions{Rate: 3}, moved(10))
		if overlaps > 0 {
			g.Errorf("%d moves went out while their leases were being extended", overlaps)
		}
	})
}

// What was chosen does not wait for Match to have seen a whole page.
func TestASlowMatchDoesNotHoldUpWhatItChose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 6)
		asked, live := 0, 0
		g.redrive(&runtime.RedriveOptions{Match: func(runtime.DeadTask) bool {
			live += len(g.drain(g.inner))
			if live != asked {
				g.Errorf("%d are live after %d were chosen", live, asked)
			}
			asked++
			time.Sleep(time.Second)
			return true
		}}, moved(6))
	})
}

// The keeper may be late, waiting for a call. A lease that is over by the local
// clock is somebody else's all the same.
func TestNoMoveGoesOutOnALeaseThatRanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 3)
		const short = 12 * time.Second
		second := func(l driver.Lease) bool { return strings.Contains(string(l.Message().Body), `"name":"1"`) }
		g.faults.Add(
			faultqueue.Rule{Op: faultqueue.Receive, Match: dead, Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) {
				for i, l := range c.Received {
					if second(l) {
						c.Received[i] = faultqueue.Wrap(l, func(v *faultqueue.View) { v.Expires = v.Received.Add(short) })
					}
				}
			})},
			faultqueue.Rule{Op: faultqueue.Extend, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				if second(c.Leases[0]) {
					c.Fail(driver.Errorf(driver.InvalidArgument, "test", "no more"))
					return
				}
				faultqueue.Hang()(ctx, c, next)
			}},
			faultqueue.Rule{Op: faultqueue.Settle, Match: dead, Fault: faultqueue.Lie(func(c *faultqueue.Call) {
				for _, s := range c.Batch {
					if second(s.Lease) && time.Since(s.Lease.Received()) >= short {
						g.Errorf("a move after %v on a lease of %v", time.Since(s.Lease.Received()), short)
					}
				}
			}, nil)},
		)
		g.redrive(&runtime.RedriveOptions{Rate: 1.0 / 15}, runtime.RedriveReport{Examined: 3, Moved: 2, Failed: 1, Reason: "1 failed, the first with: its lease was lost"})
		g.faults.Clear()
		time.Sleep(time.Minute)
		g.redrive(nil, moved(1))
	})
}
