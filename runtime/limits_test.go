package runtime_test

import (
	"context"
	"errors"
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

// fleet is several in-memory queues and what a worker does on them.
type fleet struct {
	*testing.T
	queues *runtime.Queues
	mux    *runtime.Mux
	began  time.Time

	mu     sync.Mutex
	starts []started // guarded by mu
	worker *runtime.Worker
}

// started is one call of a handler.
type started struct {
	queue, kind string
	at          time.Duration
}

// other is a second kind of task.
type other struct {
	Name string `json:"name"`
}

func (other) Kind() string { return "other" }

func newFleet(t *testing.T, infos ...runtime.QueueInfo) *fleet {
	t.Helper()
	f := &fleet{T: t, queues: new(runtime.Queues), mux: runtime.NewMux(nil), began: time.Now()}
	for _, info := range infos {
		if info.Driver == nil {
			q, err := mem.New(info.Name, nil)
			if err != nil {
				t.Fatal(err)
			}
			info.Driver = q
		}
		if err := f.queues.Add(info); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = f.queues.Close(context.WithoutCancel(t.Context())) })
	return f
}

// record notes that a handler was called.
func (f *fleet) record(info *runtime.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts = append(f.starts, started{info.Queue, info.Kind, time.Since(f.began)})
}

func (f *fleet) all() []started {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// fill enqueues n tasks.
func (f *fleet) fill(queue string, n int) {
	f.Helper()
	client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: queue})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range runtime.EnqueueMany(f.Context(), client, make([]job, n)) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
	}
}

func (f *fleet) fillOther(queue string, n int) {
	f.Helper()
	client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: queue})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range runtime.EnqueueMany(f.Context(), client, make([]other, n)) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
	}
}

// work runs a worker until done says so or the time is over, and drains it.
func (f *fleet) work(o runtime.WorkerOptions, atMost time.Duration, done func([]started) bool) []started {
	f.Helper()
	var err error
	if f.worker, err = runtime.NewWorker(f.queues, f.mux, &o); err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	f.began = time.Now()
	go func() { ended <- f.worker.Run(ctx) }()
	for time.Since(f.began) < atMost && !done(f.all()) {
		time.Sleep(50 * time.Millisecond)
	}
	starts := f.all()
	stop()
	if err := <-ended; err != nil {
		f.Fatal(err)
	}
	return starts
}

func after(n int) func([]started) bool { return func(s []started) bool { return len(s) >= n } }

func share(starts []started, queue string) (n int) {
	for _, s := range starts {
		if s.queue == queue {
			n++
		}
	}
	return n
}

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
				const tasks = 10_000
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
				for q, w := range weights {
					want := w * tasks / 10
					if n := share(starts, q); n < want*9/10 || n > want*11/10 {
						t.Errorf("%d of the first %d tasks are of queue %q; want %d ± 10 %%", n, tasks, q, want)
					}
				}
			})
		})
	}
}

func TestARateIsKeptAndReached(t *testing.T) {
	for name, c := range map[string]struct {
		latency time.Duration
		beside  bool // a queue without a limit that has tasks all the time
		byKind  bool
		length  time.Duration
	}{
		"alone":           {},
		"far away":        {latency: 20 * time.Millisecond},
		"beside another":  {latency: 5 * time.Millisecond, beside: true, length: 20 * time.Millisecond},
		"of a kind":       {latency: 5 * time.Millisecond, byKind: true},
		"of a kind, busy": {latency: 5 * time.Millisecond, byKind: true, beside: true, length: 20 * time.Millisecond},
		"long tasks":      {length: 90 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rate, burst, seconds = 100, 10, 60
				limited := runtime.QueueInfo{Name: "limited"}
				var opts []runtime.HandleOption
				if c.byKind {
					opts = append(opts, runtime.RateLimit(rate, burst))
				} else {
					limited.Rate = runtime.Rate{PerSecond: rate, Burst: burst}
				}
				m, err := mem.New("limited", nil)
				if err != nil {
					t.Fatal(err)
				}
				limited.Driver = slowed(m, c.latency)
				f := newFleet(t, limited, runtime.QueueInfo{Name: "free"})
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
					f.record(task.Info)
					time.Sleep(c.length)
					return nil
				}, opts...)
				runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
					time.Sleep(10 * time.Millisecond)
					return nil
				})
				f.fill("limited", rate*seconds+rate)
				if c.beside {
					f.fillOther("free", 200*seconds)
				}
				starts := f.work(runtime.WorkerOptions{Concurrency: 20}, seconds*time.Second, func([]started) bool { return false })
				if n, want := len(starts), rate*seconds; n < want*97/100 || n > want+burst {
					t.Errorf("%d tasks started in %d s; want %d", n, seconds, want)
				}
				for i, first := range starts {
					n := 0
					for _, s := range starts[i:] {
						if s.at-first.at >= time.Second {
							break
						}
						n++
					}
					if n > rate+burst {
						t.Fatalf("%d tasks started in the second from %v; want at most %d and a burst of %d", n, first.at, rate, burst)
					}
				}
			})
		})
	}
}

func TestConcurrencyOfQueuesAndKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "narrow", Concurrency: 3}, runtime.QueueInfo{Name: "wide"})
		var mu sync.Mutex
		now, most := make(map[string]int), make(map[string]int)
		in := func(names ...string) (out func()) {
			mu.Lock()
			defer mu.Unlock()
			for _, n := range names {
				now[n]++
				most[n] = max(most[n], now[n])
			}
			return func() {
				mu.Lock()
				defer mu.Unlock()
				for _, n := range names {
					now[n]--
				}
			}
		}
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			defer in("all", "queue "+task.Queue, "kind job")()
			f.record(task.Info)
			time.Sleep(time.Duration(50+rand.IntN(100)) * time.Millisecond)
			return nil
		})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
			defer in("all", "queue "+task.Queue, "kind other")()
			f.record(task.Info)
			time.Sleep(time.Duration(50+rand.IntN(100)) * time.Millisecond)
			return nil
		}, runtime.MaxConcurrency(2))
		const each = 200
		for _, q := range []string{"narrow", "wide"} {
			for range each {
				f.fill(q, 1)
				f.fillOther(q, 1)
			}
		}
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, time.Hour, after(4*each))
		if len(starts) != 4*each {
			t.Errorf("%d tasks ran; want %d", len(starts), 4*each)
		}
		for name, want := range map[string]int{"all": 10, "queue narrow": 3, "queue wide": 10, "kind job": 10, "kind other": 2} {
			// One or two less where a limit of another kind comes in its way.
			if n := most[name]; n > want || n < want-2 {
				t.Errorf("%d tasks of %s ran at a time; want %d", n, name, want)
			}
		}
	})
}

func TestAKindAtItsLimitLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "mixed"})
		runtime.Handle(f.mux, func(ctx context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			select {
			case <-time.After(time.Hour):
			case <-ctx.Done():
			}
			return nil
		}, runtime.MaxConcurrency(1))
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
			f.record(task.Info)
			return nil
		})
		f.fill("mixed", 10)
		f.fillOther("mixed", 100)
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, time.Minute, func([]started) bool { return false })
		if n := len(starts); n != 101 {
			t.Errorf("%d tasks started within a minute; want one that takes an hour, and the 100 others", n)
		}
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
				send("low", 2000)
				send("middle", 200)
				var sending sync.WaitGroup
				sending.Go(func() {
					for range 100 {
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
				if n := share(starts, "high"); n < 100 {
					t.Errorf("%d tasks of the high queue started", n)
				}
			})
		})
	}
}

func TestAPausedQueueStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = 5 * time.Minute
		f := newFleet(t, runtime.QueueInfo{Name: "paused", Retry: &runtime.RetryPolicy{MaxAttempts: 2}}, runtime.QueueInfo{Name: "free"})
		refused := 0
		var attempts []int
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.mu.Lock()
			attempts = append(attempts, task.Attempt)
			refused++
			n := refused
			f.mu.Unlock()
			f.record(task.Info)
			if task.Queue == "paused" && n%10 == 1 && n < 100 {
				return runtime.PauseQueue(pause, errors.New("429 too many requests"))
			}
			time.Sleep(time.Second)
			return nil
		})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[other]) error {
			f.record(task.Info)
			return nil
		})
		const tasks = 200
		f.fill("paused", tasks)
		sawPaused := false
		f.fillOther("free", 10)
		starts := f.work(runtime.WorkerOptions{Concurrency: 5}, 24*time.Hour, func(s []started) bool {
			h := f.worker.Health()
			sawPaused = sawPaused || h.Queues[0].Paused && !h.Queues[1].Paused && h.Ready
			return len(s) >= tasks+10+10
		})
		if n := share(starts, "free"); n != 10 || starts[len(starts)-1].at < 10*pause || starts[len(starts)-1].at > 11*pause {
			t.Errorf("%d tasks of the other queue started, and the last task at %v", n, starts[len(starts)-1].at)
		}
		for _, s := range starts {
			if s.queue == "free" && s.at > time.Second {
				t.Errorf("a task of the queue that is not paused started at %v", s.at)
			}
		}
		if !sawPaused || f.worker.Health().Queues[0].Paused {
			t.Errorf("the worker's health did not show the pause %v, or shows it still: %+v", sawPaused, f.worker.Health())
		}
		if slices.Max(attempts) != 1 {
			t.Errorf("a task was on attempt %d; want none burned by a pause", slices.Max(attempts))
		}
		var last time.Duration
		pauses := 0
		for _, s := range starts {
			if s.queue == "paused" && s.at-last > pause-time.Minute {
				pauses++
			}
			if s.queue == "paused" {
				last = s.at
			}
		}
		if pauses != 10 {
			t.Errorf("the queue stood still %d times; want 10", pauses)
		}
	})
}

func TestAPauseOutOfRangeIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.PauseQueue(2*time.Hour, errBoom) })
		b.runFor(time.Minute)
		if d := b.dead().Death; d == nil || !strings.Contains(d.Detail, "pause 2h0m0s is not above 0 and at most 1h0m0s") {
			t.Errorf("death %+v", d)
		}
	})
}

func TestLimitsOutOfRange(t *testing.T) {
	q, err := mem.New("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(t.Context())
	for want, info := range map[string]runtime.QueueInfo{
		"weight -1 is not within":          {Weight: -1},
		"weight 1001 is not within":        {Weight: 1001},
		"concurrency -1 is not within":     {Concurrency: -1},
		"concurrency 100001 is not within": {Concurrency: 100_001},
		"rate -1 a second":                 {Rate: runtime.Rate{PerSecond: -1}},
		"rate 0 a second":                  {Rate: runtime.Rate{Burst: 3}},
		"burst -1 is not within":           {Rate: runtime.Rate{PerSecond: 1, Burst: -1}},
		"hold -1s is negative":             {Hold: -time.Second},
	} {
		info.Name, info.Driver = "q", q
		if err := new(runtime.Queues).Add(info); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, opt := range map[string]runtime.HandleOption{
		"concurrency -1 is not within": runtime.MaxConcurrency(0),
		"rate -1 a second":             runtime.RateLimit(0, 1),
		"burst -5 is not within":       runtime.RateLimit(1, -5),
	} {
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil }, opt)
		if err := mux.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// slowed is a queue whose calls take a time each.
func slowed(q driver.Queue, latency time.Duration) driver.Queue {
	if latency == 0 {
		return q
	}
	return faultqueue.New(q, faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		time.Sleep(latency / 2)
		next(ctx, c)
		time.Sleep(latency / 2)
	}})
}

// untilDrain is a handler that takes as long as there is.
func (f *fleet) untilDrain(ctx context.Context, task *runtime.Task[job]) error {
	f.record(task.Info)
	<-ctx.Done()
	return context.Cause(ctx)
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

func TestARateIsReachedWhileNoTaskEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "q", Rate: runtime.Rate{PerSecond: 10}})
		runtime.Handle(f.mux, f.untilDrain)
		f.fill("q", 500)
		starts := f.work(runtime.WorkerOptions{Concurrency: 1000}, 20*time.Second, func([]started) bool { return false })
		if n := len(starts); n < 195 || n > 202 {
			t.Errorf("%d tasks started in 20 s; want 200", n)
		}
	})
}

func TestAllStartWhenAPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "q"}, runtime.QueueInfo{Name: "idle"})
		var mu sync.Mutex
		quick := 1000
		runtime.Handle(f.mux, func(ctx context.Context, task *runtime.Task[job]) error {
			mu.Lock()
			quick--
			n := quick
			mu.Unlock()
			switch {
			case n > 0:
				time.Sleep(time.Millisecond) // so that many are leased ahead
				return nil
			case n == 0:
				return runtime.PauseQueue(time.Minute, nil)
			}
			return f.untilDrain(ctx, task)
		})
		f.fill("q", 1500)
		starts := f.work(runtime.WorkerOptions{Concurrency: 10}, 62*time.Second, func([]started) bool { return false })
		if len(starts) != 10 {
			t.Errorf("%d tasks started when the pause had ended; want 10", len(starts))
		}
	})
}

func TestWhatDoesNotRunTakesNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, runtime.QueueInfo{Name: "q", Rate: runtime.Rate{PerSecond: 1.0 / 60}})
		runtime.Handle(f.mux, f.untilDrain)
		client, err := runtime.NewClient(f.queues, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := runtime.Enqueue(t.Context(), client, job{}, runtime.TTL(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		f.fill("q", 1)
		time.Sleep(time.Minute)
		starts := f.work(runtime.WorkerOptions{}, time.Minute, after(1))
		if len(starts) != 1 || starts[0].at > time.Second {
			t.Errorf("started %v; want the one that is not expired at once", starts)
		}
	})
}
