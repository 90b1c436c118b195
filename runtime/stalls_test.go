package runtime_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A runner that is idle while a task could start is a stall.

// faultyQueue is an in-memory queue with faults.
func faultyQueue(t *testing.T, name string, rules ...faultqueue.Rule) driver.Queue {
	t.Helper()
	q, err := mem.New(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return faultqueue.New(q, rules...)
}

func never([]started) bool { return false }

func TestAllStartWhenThePauseOfTheOnlyQueueEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "q"})
		var mu sync.Mutex
		quick := 1000
		runtime.Handle(f.mux, func(ctx context.Context, task *runtime.Task[job]) error {
			mu.Lock()
			quick--
			n := quick
			mu.Unlock()
			switch {
			case n == 0:
				return runtime.PauseQueue(time.Minute, nil)
			case time.Since(f.began) < time.Minute:
				time.Sleep(time.Millisecond) // so that many are leased ahead
				return nil
			}
			return f.untilDrain(ctx, task)
		})
		f.fill("q", 1050)
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, 62*time.Second, never)
		if len(starts) != 10 {
			t.Errorf("%d tasks started when the pause had ended; want 10", len(starts))
		}
	})
}

func TestAPausedQueueKeepsNoRoomFromOthers(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, runtime.QueueInfo{Name: "paused", Weight: 2}, runtime.QueueInfo{Name: "free"})
			var mu sync.Mutex
			quick := 3000
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
				mu.Lock()
				quick--
				n := quick
				mu.Unlock()
				time.Sleep(time.Millisecond) // so that many are leased ahead
				if n == 0 {
					return runtime.PauseQueue(time.Hour, nil)
				}
				return nil
			})
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
				f.record(task.Info)
				time.Sleep(time.Second)
				return nil
			})
			f.fill("paused", 5000)
			f.fillOther("free", 1000)
			starts := f.work(runtime.WorkerOptions{Concurrency: 10, Strict: strict}, 30*time.Second, never)
			if n := len(starts); n < 250 {
				t.Errorf("strict %v: %d tasks of a second each started in 30 s on 10 runners while another queue was paused; want nearly 300", strict, n)
			}
		})
	}
}

func TestAQueueThatWaitsForTokensKeepsNoRoomFromOthers(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, runtime.QueueInfo{Name: "rare", Weight: 2, Rate: runtime.Rate{PerSecond: 1.0 / 60}}, runtime.QueueInfo{Name: "free"})
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
				f.record(task.Info)
				time.Sleep(time.Second)
				return nil
			})
			f.fill("rare", 100)
			f.fill("free", 1000)
			starts := f.work(runtime.WorkerOptions{Concurrency: 1, Strict: strict}, 10*time.Minute+time.Second, never)
			if n := share(starts, "free"); n < 570 {
				t.Errorf("strict %v: %d tasks of a second each started in ten minutes beside a queue of one a minute; want nearly 590", strict, n)
			}
			if n := share(starts, "rare"); n < 10 || n > 11 {
				t.Errorf("strict %v: %d tasks of the queue of one a minute started in ten minutes", strict, n)
			}
		})
	}
}

func TestAQueueAtItsConcurrencyKeepsNoRoomFromOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "narrow", Concurrency: 2}, runtime.QueueInfo{Name: "free"})
		var mu sync.Mutex
		quick := 2000
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			mu.Lock()
			quick--
			n := quick
			mu.Unlock()
			if n > 0 {
				time.Sleep(time.Millisecond) // so that many are leased ahead
			} else {
				time.Sleep(10 * time.Minute)
			}
			return nil
		})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
			f.record(task.Info)
			time.Sleep(time.Second)
			return nil
		})
		f.fill("narrow", 5000)
		go func() {
			<-time.After(5 * time.Second) // when those of narrow take long
			f.fillOther("free", 1000)
		}()
		starts := f.work(runtime.WorkerOptions{Concurrency: 6, Grace: 15 * time.Minute}, time.Minute, never)
		if n := len(starts); n < 200 {
			t.Errorf("%d tasks of a second each started in 55 s on 4 of 6 runners; want nearly 220", n)
		}
	})
}

func TestAReceiveThatHangsKeepsNoRoomFromOthers(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			hangs := faultqueue.Rule{Op: faultqueue.Receive, Match: func(c *faultqueue.Call) bool { return c.N > 5 }, Fault: faultqueue.Hang()}
			f := newFleet(t, runtime.QueueInfo{Name: "hangs", Driver: faultyQueue(t, "hangs", hangs), Weight: 2}, runtime.QueueInfo{Name: "free"})
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
				f.record(task.Info)
				time.Sleep(time.Second)
				return nil
			})
			f.fill("hangs", 1000)
			f.fill("free", 1000)
			starts := f.work(runtime.WorkerOptions{Concurrency: 1, Strict: strict}, time.Minute, never)
			if n := share(starts, "free"); n < 50 {
				t.Errorf("strict %v: %d tasks of a second each started in a minute while a receive of another queue hung", strict, n)
			}
		})
	}
}

func TestSettlesThatHangHoldUpNoLowerTaskThatIsLeased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		high := faultyQueue(t, "high", faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Hang()})
		f := newFleet(t, runtime.QueueInfo{Name: "high", Driver: high, Weight: 2}, runtime.QueueInfo{Name: "low"})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			time.Sleep(time.Millisecond) // so that many are leased ahead
			return nil
		})
		f.fill("low", 5000)
		go func() {
			<-time.After(200 * time.Millisecond)
			f.fill("high", 5000)
		}()
		starts := f.work(runtime.WorkerOptions{Concurrency: 5, Strict: true}, 8*time.Second, never)
		if n := share(starts, "high"); n == 0 {
			t.Fatal("nothing of the high queue started")
		}
		if last := starts[len(starts)-1]; last.queue != "low" {
			t.Errorf("the last start is of queue %q at %v, and tasks of the low one are leased", last.queue, last.at)
		}
	})
}

func TestATrickleHoldsUpNoOtherQueue(t *testing.T) {
	for _, batch := range []int{10, 1000} {
		synctest.Test(t, func(t *testing.T) {
			const latency = 20 * time.Millisecond
			works := func(every time.Duration) []started { // a task of trickle each every, if that is not 0
				slow := func(name string) driver.Queue {
					return slowed(limited{faultyQueue(t, name), func(c *driver.Capabilities) { c.MaxReceiveBatch, c.MaxSettleBatch = batch, batch }}, latency)
				}
				f := newFleet(t, runtime.QueueInfo{Name: "busy", Driver: slow("busy")}, runtime.QueueInfo{Name: "trickle", Driver: slow("trickle")})
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
					f.record(task.Info)
					time.Sleep(5 * time.Millisecond)
					return nil
				})
				f.fill("busy", 20_000)
				done := make(chan struct{})
				var filling sync.WaitGroup
				client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: "trickle"})
				if err != nil {
					t.Fatal(err)
				}
				if every > 0 {
					filling.Go(func() {
						for {
							select {
							case <-time.After(every):
								filling.Go(func() { _, _ = runtime.Enqueue(context.WithoutCancel(t.Context()), client, job{}) })
							case <-done:
								return
							}
						}
					})
				}
				starts := f.work(runtime.WorkerOptions{Concurrency: 20}, 4*time.Second, never)
				close(done)
				filling.Wait()
				return starts
			}
			without, with := works(0), works(10*time.Millisecond)
			t.Logf("batches of %d: alone %d, with a trickle %d + %d", batch, len(without), share(with, "busy"), share(with, "trickle"))
			if n := len(with); n < len(without)*6/10 {
				t.Errorf("%d tasks started while the other queue trickled; want most of the %d that start without it", n, len(without))
			}
		})
	}
}

func TestAQueueThatTrickledDoesNotCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := slowed(faultyQueue(t, "late"), 20*time.Millisecond)
		f := newFleet(t, runtime.QueueInfo{Name: "busy"}, runtime.QueueInfo{Name: "late", Driver: late})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			time.Sleep(5 * time.Millisecond)
			return nil
		})
		f.fill("busy", 20_000)
		var filling sync.WaitGroup
		filling.Go(func() {
			client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: "late"})
			if err != nil {
				t.Error(err)
				return
			}
			for range 2000 { // some for each receive
				<-time.After(5 * time.Millisecond)
				filling.Go(func() { _, _ = runtime.Enqueue(context.WithoutCancel(t.Context()), client, job{}) })
			}
			f.fill("late", 5_000)
		})
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, 13*time.Second, never)
		filling.Wait()
		var since []started
		for _, s := range starts {
			if s.at > 10*time.Second+100*time.Millisecond && s.at < 12*time.Second {
				since = append(since, s)
			}
		}
		if n := share(since, "busy"); n < len(since)*4/10 {
			t.Errorf("of %d tasks after a trickle became a flood %d are of the other queue; want half", len(since), n)
		}
	})
}

func TestAKindAtItsLimitLetsOthersOfALimitedQueuePass(t *testing.T) {
	for name, info := range map[string]runtime.QueueInfo{
		"concurrency": {Name: "mixed", Concurrency: 3},
		"rate":        {Name: "mixed", Rate: runtime.Rate{PerSecond: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, info)
				runtime.Handle(f.mux, f.untilDrain, runtime.MaxConcurrency(1))
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
					f.record(task.Info)
					return nil
				})
				f.fill("mixed", 8)
				f.fillOther("mixed", 100)
				starts := f.work(runtime.WorkerOptions{Concurrency: 10}, time.Minute, never)
				if n := len(starts); n != 101 {
					t.Errorf("%d tasks started within a minute; want one that takes until the drain, and the 100 others", n)
				}
			})
		})
	}
}

func TestSettlesThatFailKeepNoRoomFromOthers(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fails := faultyQueue(t, "fails", faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.FailBefore(errDown)})
			f := newFleet(t, runtime.QueueInfo{Name: "fails", Driver: fails, Weight: 2}, runtime.QueueInfo{Name: "free"})
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
				f.record(task.Info)
				time.Sleep(100 * time.Millisecond)
				return nil
			})
			f.fill("fails", 1000)
			f.fill("free", 2000)
			starts := f.work(runtime.WorkerOptions{Concurrency: 5, Strict: strict}, 30*time.Second, never)
			t.Log(share(starts, "free"), share(starts, "fails"))
			if n := share(starts, "free"); n < 1000 {
				t.Errorf("strict %v: %d tasks of 100 ms each started in 30 s on 5 runners while another queue took no settle; want nearly 1500", strict, n)
			}
			if n := share(starts, "fails"); n > 100 {
				t.Errorf("strict %v: %d tasks of the queue that takes no settle started", strict, n)
			}
		})
	}
}
