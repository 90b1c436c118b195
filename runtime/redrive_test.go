package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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

// graveyard is a bench for redrives: inner is its queue without faults.
type graveyard struct {
	*bench
	inner  *mem.Queue
	faults *faultqueue.Queue
	ids    []runtime.TaskID // of the dead tasks
}

// newGraveyard opens a queue with n dead tasks, called 0 to n-1.
func newGraveyard(t *testing.T, o *mem.Options, n int) *graveyard {
	t.Helper()
	g := &graveyard{bench: newBench(t, o, runtime.RetryPolicy{}, faulty())}
	if !g.queue.As(&g.inner) || !g.queue.As(&g.faults) {
		t.Fatal("the queue is not in memory, or without faults")
	}
	for i := range n {
		g.ids = append(g.ids, g.enqueue(fmt.Sprint(i)))
	}
	g.bury()
	time.Sleep(time.Minute)
	return g
}

// bury buries all that is on the queue.
func (g *graveyard) bury() {
	g.Helper()
	leases := g.drain(g.inner)
	batch := make([]driver.Settlement, len(leases))
	for i, l := range leases {
		batch[i] = driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: driver.ReasonPermanent, Detail: "boom"}
	}
	for part := range slices.Chunk(batch, 1000) {
		if err := errors.Join(g.inner.Settle(g.Context(), part)...); err != nil {
			g.Fatal(err)
		}
	}
}

// drain leases all that there is.
func (g *graveyard) drain(s driver.Source) (all []driver.Lease) {
	g.Helper()
	for {
		leases, err := s.Receive(g.Context(), driver.ReceiveOptions{Max: 1000})
		if err != nil {
			g.Fatal(err)
		}
		if len(leases) == 0 {
			return all
		}
		all = append(all, leases...)
	}
}

// redrive checks the report of a redrive that ends without an error.
func (g *graveyard) redrive(o *runtime.RedriveOptions, want runtime.RedriveReport) {
	g.Helper()
	r, err := runtime.Redrive(g.Context(), g.queues, "jobs", o)
	if err != nil {
		g.Errorf("redrive: %v", err)
	}
	g.reported(r, want)
}

// reported checks a report; its reason is to contain the wanted one.
func (g *graveyard) reported(r, want runtime.RedriveReport) {
	g.Helper()
	if !strings.Contains(r.Reason, want.Reason) || r.Reason == "" {
		g.Errorf("reason %q; want %q in it", r.Reason, want.Reason)
	}
	r.Reason, want.Reason = "", ""
	if r != want {
		g.Errorf("report %+v; want %+v", r, want)
	}
}

// tally checks how many messages are on the queue and visible, and in the dead
// letter and visible there.
func (g *graveyard) tally(live, dead int) {
	g.Helper()
	if n := len(g.drain(g.inner)); n != live {
		g.Errorf("%d messages are live; want %d", n, live)
	}
	if n := len(g.drain(g.inner.DeadLetter())); n != dead {
		g.Errorf("%d messages are dead and released; want %d", n, dead)
	}
}

func moved(n int) runtime.RedriveReport {
	return runtime.RedriveReport{Examined: n, Moved: n, Complete: true, Reason: "nothing more"}
}

func TestRedriveMovesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 2500)
		start := time.Now()
		g.redrive(nil, moved(2500))
		if took := time.Since(start); took != 2*time.Second {
			g.Errorf("it took %v; want two receives of a second that bring nothing", took)
		}
		g.tally(2500, 0)
		g.redrive(nil, moved(0))
	})
}

func TestARedrivenTaskRunsAgainWithFreshAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 1)
		ids := g.ids
		g.redrive(nil, moved(1))
		g.runsAgain(ids[0])
	})
}

func TestADeadLetterThatWasMovedBackVerbatimRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 1)
		ids := g.ids
		if _, err := g.inner.DeadLetter().MoveAll(g.Context(), driver.MoveOptions{}); err != nil {
			g.Fatal(err)
		}
		g.runsAgain(ids[0])
	})
}

// runsAgain asserts that the one task on the queue runs as one that was redriven
// once.
func (g *graveyard) runsAgain(id runtime.TaskID) {
	g.Helper()
	var ran []runtime.Info
	g.handle(func(_ context.Context, task *runtime.Task[job]) error {
		ran = append(ran, *task.Info)
		return nil
	})
	stop := g.start(runtime.WorkerOptions{})
	synctest.Wait()
	if err := stop(); err != nil {
		g.Fatal(err)
	}
	if len(ran) != 1 || ran[0].ID != id || ran[0].Attempt != 1 || ran[0].Redrives != 1 {
		g.Errorf("ran %+v; want task %s, attempt 1, redrives 1", ran, id)
	}
	g.stats(0, 0, 0)
}

// With the send id of an earlier message a broker would drop the copy.
func TestARedriveGivesTheCopyASendIDOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 1)
		used := g.drain(g.inner.DeadLetter())[0].Message().SendID
		time.Sleep(time.Minute) // the lease lapses
		g.redrive(nil, moved(1))
		if fresh := g.drain(g.inner)[0].Message().SendID; fresh == "" || fresh == used {
			g.Errorf("the dead letter has send id %q, its copy %q", used, fresh)
		}
	})
}

func TestRedriveMovesWhatMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 10)
		ids := g.ids
		g.send(driver.Message{Body: []byte("no task"), Attributes: map[string]string{"color": "red"}})
		g.bury()
		asked := make(map[runtime.TaskID]int)
		g.redrive(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool {
			asked[d.ID]++
			if d.MessageID == "" || d.Death.Reason != driver.ReasonPermanent || d.Death.Detail != "boom" || d.Redrives != 0 {
				g.Errorf("Match was asked about %+v", d)
			}
			if d.ID == "" {
				return d.Kind == "" && d.EnqueuedAt.IsZero() && d.Attributes["color"] == "red"
			}
			return d.Kind == "job" && !d.EnqueuedAt.IsZero() && slices.Index(ids, d.ID)%2 == 0
		}}, runtime.RedriveReport{Examined: 11, Moved: 6, Kept: 5, Complete: true})
		for id, n := range asked {
			if n != 1 {
				g.Errorf("Match was asked %d times about %q", n, id)
			}
		}
		g.tally(6, 5)
	})
}

func (g *graveyard) send(m driver.Message) {
	g.Helper()
	if err := g.inner.Send(g.Context(), []driver.Message{m})[0].Err; err != nil {
		g.Fatal(err)
	}
}

func TestRedriveMovesAtMostMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 10)
		ids := g.ids
		g.redrive(&runtime.RedriveOptions{Max: 4}, runtime.RedriveReport{Examined: 4, Moved: 4, Reason: "the most messages to move, 4,"})
		g.redrive(&runtime.RedriveOptions{Max: 2, Match: func(d runtime.DeadTask) bool { return slices.Index(ids, d.ID) > 5 }},
			runtime.RedriveReport{Examined: 4, Moved: 2, Kept: 2, Reason: "the most messages"})
		g.tally(6, 4)
	})
}

func TestRedriveKeepsToItsRate(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		n     int
		burst int
		took  time.Duration
		most  int // within any second
	}{
		{rate: 2, n: 9, burst: 1, took: 4 * time.Second, most: 2},
		{rate: 0.1, n: 3, burst: 1, took: 20 * time.Second, most: 1},
		{rate: 100, n: 1000, burst: 10, took: 9900 * time.Millisecond, most: 100},
	} {
		t.Run(fmt.Sprint(c.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, &mem.Options{Hold: 3 * time.Second}, c.n)
				var at []time.Duration
				start := time.Now()
				g.faults.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Lie(func(call *faultqueue.Call) {
					if len(call.Batch) > c.burst {
						g.Errorf("%d moved at once; want at most %d", len(call.Batch), c.burst)
					}
					for range call.Batch {
						at = append(at, time.Since(start))
					}
				}, nil)})
				g.redrive(&runtime.RedriveOptions{Rate: c.rate}, moved(c.n))
				if len(at) != c.n || at[c.n-1] != c.took {
					g.Errorf("%d moves, the last after %v; want %d, %v", len(at), at[len(at)-1], c.n, c.took)
				}
				for i := c.most; i < len(at); i++ {
					if at[i]-at[i-c.most] < time.Second {
						g.Errorf("more than %d moves between %v and %v", c.most, at[i-c.most], at[i])
					}
				}
				g.tally(c.n, 0)
			})
		})
	}
}

func TestRedriveTellsOfItsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 2500)
		var told []int
		g.redrive(&runtime.RedriveOptions{Progress: func(r runtime.RedriveReport) { told = append(told, r.Moved) }}, moved(2500))
		if !slices.Equal(told, []int{1000, 2000, 2500}) {
			g.Errorf("told of %v", told)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 20)
		told := 0
		g.redrive(&runtime.RedriveOptions{Rate: 1, Progress: func(runtime.RedriveReport) { told++ }}, moved(20))
		if told < 19 || told > 25 {
			g.Errorf("told %d times within 20 s", told)
		}
	})
}

func TestAMatchThatPanicsEndsTheRedrive(t *testing.T) {
	for name, f := range map[string]func(calls int) bool{
		"a value":  func(int) bool { panic("boom") },
		"an index": func(calls int) bool { return []bool{true}[calls] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGraveyard(t, nil, 5)
				calls := 0
				r, err := runtime.Redrive(g.Context(), g.queues, "jobs", &runtime.RedriveOptions{Match: func(runtime.DeadTask) bool {
					calls++
					return calls < 3 || f(calls)
				}})
				g.panicked(err)
				g.reported(r, runtime.RedriveReport{Examined: 3, Moved: 2, Failed: 1, Reason: "Match panicked"})
				g.tally(2, 3)
			})
		})
	}
}

func (g *graveyard) panicked(err error) {
	g.Helper()
	if _, ok := errors.AsType[*runtime.PanicError](err); !ok || !strings.HasPrefix(err.Error(), `runtime: redrive "jobs": `) {
		g.Errorf("the error is %v; want that of a panic", err)
	}
}

func TestAProgressThatPanicsEndsTheRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 5)
		ids := g.ids
		r, err := runtime.Redrive(g.Context(), g.queues, "jobs", &runtime.RedriveOptions{
			Match:    func(d runtime.DeadTask) bool { return d.ID == ids[1] },
			Progress: func(runtime.RedriveReport) { panic("boom") },
		})
		g.panicked(err)
		g.reported(r, runtime.RedriveReport{Examined: 5, Moved: 1, Kept: 4, Reason: "Progress panicked"})
		g.tally(1, 4)
	})
}

func TestAMatchThatEndsItsGoroutineLeavesNothingLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 3)
		var ended sync.WaitGroup
		ended.Go(func() {
			_, _ = runtime.Redrive(g.Context(), g.queues, "jobs", &runtime.RedriveOptions{Match: func(runtime.DeadTask) bool {
				goexit()
				return true
			}})
		})
		ended.Wait()
		g.tally(0, 3)
	})
}

func TestAMatchDuringWhichTheContextEndsIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGraveyard(t, nil, 5)
		ctx, cancel := context.WithCancel(g.Context())
		asked := 0
		r, err := runtime.Redrive(ctx, g.queues, "jobs", &runtime.RedriveOptions{Match: func(runtime.DeadTask) bool {
			if asked++; asked == 2 {
				cancel()
			}
			return true
		}})
		if !driver.Is(err, driver.Canceled) || asked != 2 {
			g.Errorf("asked %d times, error %v", asked, err)
		}
		g.reported(r, runtime.RedriveReport{Reason: "interrupted"})
		g.tally(0, 5)
	})
}

func TestRedriveRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		queue string
		mem   mem.Options
		opts  runtime.RedriveOptions
		code  driver.Code
		says  string
	}{
		"a negative max":      {opts: runtime.RedriveOptions{Max: -1}, code: driver.InvalidArgument, says: "max -1 is negative; use"},
		"a negative rate":     {opts: runtime.RedriveOptions{Rate: -0.5}, code: driver.InvalidArgument, says: "rate -0.5 is not"},
		"no number as rate":   {opts: runtime.RedriveOptions{Rate: math.NaN()}, code: driver.InvalidArgument, says: "rate NaN is not"},
		"an endless rate":     {opts: runtime.RedriveOptions{Rate: math.Inf(1)}, code: driver.InvalidArgument, says: "rate +Inf is not"},
		"a hold too short":    {opts: runtime.RedriveOptions{Hold: time.Millisecond}, code: driver.InvalidArgument, says: "hold 1ms is not within 10ms to 12h0m0s; use"},
		"a hold too long":     {opts: runtime.RedriveOptions{Hold: 13 * time.Hour}, code: driver.InvalidArgument, says: "hold 13h0m0s is not within"},
		"an unknown queue":    {queue: "orders", code: driver.NotFound, says: "known are jobs"},
		"without dead letter": {mem: mem.Options{NoDeadLetter: true}, code: driver.NotFound, says: "the queue has no dead letter"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &c.mem, runtime.RetryPolicy{}, nil)
			if c.queue == "" {
				c.queue = "jobs"
			}
			r, err := runtime.Redrive(t.Context(), b.queues, c.queue, &c.opts)
			if !driver.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "runtime: redrive ") {
				t.Errorf("error %v; want %v that says %q", err, c.code, c.says)
			}
			r.Reason = ""
			if r != (runtime.RedriveReport{}) {
				t.Errorf("report %+v", r)
			}
		})
	}
}

func TestRedriveTakesNoHoldWhereItIsFixed(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return fixed{q} })
	_, err := runtime.Redrive(t.Context(), b.queues, "jobs", &runtime.RedriveOptions{Hold: time.Minute})
	if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), "hold 1m0s cannot be chosen") {
		t.Errorf("error %v", err)
	}
}

type fixed struct{ driver.Queue }

func (f fixed) Capabilities() driver.Capabilities {
	c := f.Queue.Capabilities()
	c.FixedHold = true
	return c
}
