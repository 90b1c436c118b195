package runtime_test

import (
	"context"
	"math/rand/v2"
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

func TestWeightsShareWhatStarts(t *testing.T) {
	weights := map[string]int{"six": 6, "three": 3, "one": 1}
	for name, c := range map[string]struct {
		concurrency int
		latency     time.Duration // of each call to the queue
		length      func() time.Duration
	}{
		"one at a time":        {1, 0, func() time.Duration { return 10 * time.Millisecond }},
		"ten":                  {10, 0, func() time.Duration { return 10 * time.Millisecond }},
		"a hundred":            {100, 0, func() time.Duration { return 10 * time.Millisecond }},
		"far away":             {10, 20 * time.Millisecond, func() time.Duration { return 10 * time.Millisecond }},
		"far away and quick":   {10, 20 * time.Millisecond, func() time.Duration { return time.Millisecond }},
		"far away and one":     {1, 20 * time.Millisecond, func() time.Duration { return 50 * time.Millisecond }},
		"of different lengths": {20, 5 * time.Millisecond, func() time.Duration { return time.Duration(rand.Int64N(int64(100 * time.Millisecond))) }},
		"at once":              {10, 0, func() time.Duration { return 0 }},
		"many at once":         {100, 0, func() time.Duration { return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tasks := 10_000
				if c.concurrency < 100 {
					tasks = scaled(tasks)
				}
				var infos []runtime.QueueInfo
				for _, q := range []string{"one", "six", "three"} {
					m, err := mem.New(q, nil)
					if err != nil {
						t.Fatal(err)
					}
					infos = append(infos, runtime.QueueInfo{Name: q, Driver: slowed(m, c.latency), Weight: weights[q]})
				}
				f := newFleet(t, infos...)
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
					f.record(task.Info)
					time.Sleep(c.length())
					return nil
				})
				for q := range weights {
					f.fill(q, tasks)
				}
				starts := f.work(runtime.WorkerOptions{Concurrency: c.concurrency}, 24*time.Hour, after(tasks))[:tasks]
				checkWeights(t, starts, weights)
			})
		})
	}
}

func TestWeightsHoldWhereAReceiveBringsAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks = 10_000 // over which weights are promised: a portion is a part of it
		weights := map[string]int{"six": 6, "three": 3, "one": 1}
		var infos []runtime.QueueInfo
		for _, q := range []string{"one", "six", "three"} {
			m, err := mem.New(q, nil)
			if err != nil {
				t.Fatal(err)
			}
			narrow := limited{m, func(c *driver.Capabilities) { c.MaxReceiveBatch, c.MaxSettleBatch = 10, 10 }}
			part := faultqueue.New(narrow, faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Lie(func(c *faultqueue.Call) {
				c.Options.Max -= rand.IntN(c.Options.Max/2 + 1)
			}, nil)})
			infos = append(infos, runtime.QueueInfo{Name: q, Driver: slowed(part, 20*time.Millisecond), Weight: weights[q]})
		}
		f := newFleet(t, infos...)
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			time.Sleep(20 * time.Millisecond)
			return nil
		})
		for q := range weights {
			f.fill(q, tasks)
		}
		starts := f.work(runtime.WorkerOptions{Concurrency: 50}, time.Hour, after(tasks))[:tasks]
		checkWeights(t, starts, weights)
	})
}

func TestStrictStartsNoLowerTaskWhileAHigherWaits(t *testing.T) {
	for name, c := range map[string]struct {
		concurrency int
		length      time.Duration
	}{
		"one": {1, 300 * time.Millisecond}, "few": {3, time.Second}, "many": {50, 40 * time.Millisecond}, "quick": {5, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, runtime.QueueInfo{Name: "low", Weight: 1}, runtime.QueueInfo{Name: "high", Weight: 3}, runtime.QueueInfo{Name: "middle", Weight: 2})
				rank := map[string]int{"low": 0, "middle": 1, "high": 2}
				var mu sync.Mutex
				waits := make(map[string][]time.Time) // when those were sent that did not start
				clients := make(map[string]*runtime.Client)
				for q := range rank {
					var err error
					if clients[q], err = runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: q}); err != nil {
						t.Fatal(err)
					}
				}
				send := func(q string, n int) {
					mu.Lock()
					defer mu.Unlock()
					for range n {
						if _, err := runtime.Enqueue(t.Context(), clients[q], job{}); err != nil {
							t.Error(err)
						}
						waits[q] = append(waits[q], time.Now())
					}
				}
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
					mu.Lock()
					f.record(task.Info)
					waits[task.Queue] = waits[task.Queue][1:]
					for q, r := range rank {
						if r > rank[task.Queue] && len(waits[q]) > 0 && waits[q][0].Before(time.Now()) {
							t.Errorf("at %v a task of %q starts while one of %q waits since %v", time.Since(f.began), task.Queue, q, time.Since(waits[q][0]))
						}
					}
					mu.Unlock()
					time.Sleep(time.Duration(float64(c.length) * (0.5 + rand.Float64())))
					return nil
				})
				send("low", scaled(2000))
				send("middle", 200)
				var sending sync.WaitGroup
				sending.Go(func() {
					for range scaled(200) {
						send("high", 1+rand.IntN(2*c.concurrency))
						time.Sleep(time.Duration(rand.Int64N(int64(6 * c.length))))
						if rand.IntN(3) == 0 {
							send("middle", rand.IntN(5))
						}
					}
				})
				starts := f.work(runtime.WorkerOptions{Concurrency: c.concurrency, Strict: true}, 24*time.Hour, func([]started) bool {
					mu.Lock()
					defer mu.Unlock()
					return len(waits["low"]) < 10
				})
				sending.Wait()
				if n := share(starts, "high"); n < scaled(100) {
					t.Errorf("%d tasks of the high queue started", n)
				}
			})
		})
	}
}

func TestAQueueThatWasIdleOrPausedDoesNotCatchUp(t *testing.T) {
	for _, paused := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, runtime.QueueInfo{Name: "busy"}, runtime.QueueInfo{Name: "late"})
			first := true
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
				f.record(task.Info)
				time.Sleep(10 * time.Millisecond)
				return nil
			})
			runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
				time.Sleep(10 * time.Millisecond) // until busy has had much
				if first {
					first = false
					return runtime.PauseQueue(10*time.Second, nil)
				}
				return nil
			})
			f.fill("busy", 20_000)
			var filling sync.WaitGroup
			if paused {
				f.fillOther("late", 1)
				f.fill("late", 5_000)
			} else {
				filling.Go(func() {
					time.Sleep(10 * time.Second)
					f.fill("late", 5_000)
				})
			}
			starts := f.work(runtime.WorkerOptions{Concurrency: 10}, time.Minute, func(s []started) bool { return share(s, "late") >= 1_000 })
			filling.Wait()
			from := slices.IndexFunc(starts, func(s started) bool { return s.queue == "late" && s.at >= 10*time.Second })
			if starts = starts[from:]; share(starts, "busy") < 800 {
				t.Errorf("paused %v: of %d tasks %d are of the queue that was busy all the time; want half", paused, len(starts), share(starts, "busy"))
			}
		})
	}
}

func TestStrictWantsAnOrder(t *testing.T) {
	f := newFleet(t, runtime.QueueInfo{Name: "a"}, runtime.QueueInfo{Name: "b"})
	runtime.Handle(f.mux, f.untilDrain)
	_, err := runtime.NewWorker(f.queues, f.mux, &runtime.WorkerOptions{Strict: true})
	if want := "strict, but its 2 queues have the same weight 1"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if _, err := runtime.NewWorker(f.queues, f.mux, &runtime.WorkerOptions{Strict: true, Queues: []string{"b"}}); err != nil {
		t.Errorf("a single queue: %v", err)
	}
}
