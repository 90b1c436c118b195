package runtime_test

import (
	"context"
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

func anything(runtime.DeadTask) bool { return true }

// discard checks the report of a discard that ends without an error.
func (g *graveyard) discard(o *runtime.DiscardOptions, want runtime.DiscardReport) {
	g.Helper()
	r, err := runtime.Discard(g.Context(), g.queues, "jobs", o)
	if err != nil {
		g.Errorf("discard: %v", err)
	}
	g.discarded(r, want)
}

// discarded checks a report; its reason is to contain the wanted one.
func (g *graveyard) discarded(r, want runtime.DiscardReport) {
	g.Helper()
	if !strings.Contains(r.Reason, want.Reason) || r.Reason == "" {
		g.Errorf("reason %q; want %q in it", r.Reason, want.Reason)
	}
	r.Reason, want.Reason = "", ""
	if r != want {
		g.Errorf("report %+v; want %+v", r, want)
	}
}

func TestDiscardDeletesWhatMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 10)
		ids := g.ids
		var told []runtime.DiscardReport
		g.discard(&runtime.DiscardOptions{
			Match: func(d runtime.DeadTask) bool {
				if len(d.Message.Body) == 0 || d.Message.ID != d.MessageID {
					g.Errorf("Match was asked about %+v", d)
				}
				return slices.Index(ids, d.ID)%2 == 0
			},
			Progress: func(r runtime.DiscardReport) { told = append(told, r) },
		}, runtime.DiscardReport{Examined: 10, Discarded: 5, Kept: 5, Complete: true, Reason: "nothing more that was dead when the discard began"})
		if len(told) == 0 || told[len(told)-1].Discarded != 5 {
			g.Errorf("it told of %+v", told)
		}
		g.tally(0, 5)
	})
}

func TestDiscardDeletesAtMostMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 10)
		g.discard(&runtime.DiscardOptions{Match: anything, Max: 4}, runtime.DiscardReport{Examined: 4, Discarded: 4, Reason: "the most messages to discard, 4, were discarded"})
		g.tally(0, 6)
	})
}

func TestDiscardDeletesEveryCopyOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, &mem.Options{Hold: 500 * time.Millisecond}, 1)
		g.redrive(nil, moved(1))
		live := g.drain(g.inner)
		g.send(driver.Message{Body: live[0].Message().Body}) // as a fork is: the same task, redriven once less
		if err := g.inner.Settle(g.Context(), []driver.Settlement{{Lease: live[0], Verdict: driver.Release}})[0]; err != nil {
			g.Fatal(err)
		}
		g.bury()
		time.Sleep(time.Minute)
		for _, l := range g.drain(g.inner.DeadLetter()) { // the one that was redriven comes last
			if l.Message().Carry.Redrives == 0 {
				if err := g.inner.DeadLetter().Settle(g.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Release}})[0]; err != nil {
					g.Fatal(err)
				}
			}
		}
		g.discard(&runtime.DiscardOptions{Match: anything}, runtime.DiscardReport{Examined: 2, Discarded: 2, Complete: true})
		g.tally(0, 0)
	})
}

func TestADiscardThatIsInterruptedIsRunAgain(t *testing.T) {
	dead := func(n int) func(*faultqueue.Call) bool {
		return func(c *faultqueue.Call) bool { return c.Dead && c.N == n }
	}
	for name, c := range map[string]struct {
		interrupt func(g *graveyard, cancel func())
		code      driver.Code
		reason    string
		left      int
	}{
		"the context ends": {
			func(g *graveyard, cancel func()) {
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: dead(2), Fault: faultqueue.Lie(func(*faultqueue.Call) { cancel() }, nil)})
			}, driver.Canceled, "interrupted", 10,
		},
		"cut off before a delete": {
			func(g *graveyard, _ func()) {
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: dead(2), Fault: g.faults.Cut()})
			}, driver.Unavailable, "discard failed", 20,
		},
		"cut off after a delete": {
			func(g *graveyard, _ func()) {
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: dead(2), Fault: g.faults.CutAfter()})
			}, driver.Unavailable, "discard failed", 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 30)
				queues := new(runtime.Queues)
				if err := queues.Add(runtime.QueueInfo{Name: "jobs", Driver: tens{g.queue}}); err != nil {
					g.Fatal(err)
				}
				ctx, cancel := context.WithCancel(g.Context())
				defer cancel()
				c.interrupt(g, cancel)
				r, err := runtime.Discard(ctx, queues, "jobs", &runtime.DiscardOptions{Match: anything})
				if !driver.Is(err, c.code) || !strings.HasPrefix(err.Error(), `runtime: discard "jobs": `) || r.Complete || !strings.Contains(r.Reason, c.reason) {
					g.Errorf("the error is %v and the report %+v; want code %v and reason %q", err, r, c.code, c.reason)
				}
				time.Sleep(time.Minute) // what a caller that was cut off holds comes back then
				again := runtime.Queues{}
				if err := again.Add(runtime.QueueInfo{Name: "jobs", Driver: g.inner}); err != nil {
					g.Fatal(err)
				}
				r, err = runtime.Discard(g.Context(), &again, "jobs", &runtime.DiscardOptions{Match: anything})
				if err != nil {
					g.Error(err)
				}
				g.discarded(r, runtime.DiscardReport{Examined: c.left, Discarded: c.left, Complete: true})
				g.tally(0, 0)
			})
		})
	}
}

// tens is a queue that takes ten at a time.
type tens struct{ driver.Queue }

func (q tens) Capabilities() driver.Capabilities {
	c := q.Queue.Capabilities()
	c.MaxReceiveBatch, c.MaxSettleBatch = 10, 10
	return c
}

func TestAMatchThatPanicsEndsTheDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 5)
		calls := 0
		r, err := runtime.Discard(g.Context(), g.queues, "jobs", &runtime.DiscardOptions{Match: func(runtime.DeadTask) bool {
			if calls++; calls == 3 {
				panic("boom")
			}
			return true
		}})
		if err == nil || err.Error() != `runtime: discard "jobs": match: panic: boom` {
			g.Errorf("the error is %v; want that of a panic", err)
		}
		g.discarded(r, runtime.DiscardReport{Examined: 3, Discarded: 2, Failed: 1, Reason: "Match panicked"})
		g.tally(0, 3)
	})
}

func TestDiscardRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		queue string
		mem   mem.Options
		opts  *runtime.DiscardOptions
		code  driver.Code
		says  string
	}{
		"no options":          {opts: nil, code: driver.InvalidArgument, says: "there is no Match; choose"},
		"no match":            {opts: &runtime.DiscardOptions{Max: 1}, code: driver.InvalidArgument, says: "there is no Match; choose"},
		"a negative max":      {opts: &runtime.DiscardOptions{Match: anything, Max: -1}, code: driver.InvalidArgument, says: "max -1 is negative; use"},
		"a hold too long":     {opts: &runtime.DiscardOptions{Match: anything, Hold: 13 * time.Hour}, code: driver.InvalidArgument, says: "hold 13h0m0s is not within"},
		"an unknown queue":    {queue: "orders", opts: &runtime.DiscardOptions{Match: anything}, code: driver.NotFound, says: "known are jobs"},
		"without dead letter": {mem: mem.Options{NoDeadLetter: true}, opts: &runtime.DiscardOptions{Match: anything}, code: driver.NotFound, says: "the queue has no dead letter"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &c.mem, runtime.RetryPolicy{}, nil)
			if c.queue == "" {
				c.queue = "jobs"
			}
			r, err := runtime.Discard(t.Context(), b.queues, c.queue, c.opts)
			if !driver.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "runtime: discard ") {
				t.Errorf("error %v; want %v that says %q", err, c.code, c.says)
			}
			r.Reason = ""
			if r != (runtime.DiscardReport{}) {
				t.Errorf("report %+v", r)
			}
		})
	}
}
