package runtime_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

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
				const rate, burst = 100, 10
				seconds := scaled(60)
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
				starts := f.work(runtime.WorkerOptions{Concurrency: 20}, time.Duration(seconds)*time.Second, func([]started) bool { return false })
				checkRate(t, starts, rate, burst, seconds)
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
