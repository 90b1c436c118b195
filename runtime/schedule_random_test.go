package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// rare is a third kind of task.
type rare struct {
	Name string `json:"name"`
}

func (rare) Kind() string { return "rare" }

// storm is workers of several queues under whatever may happen.
type storm struct {
	*testing.T
	dice   *rand.Rand // of the set-up only
	queues *runtime.Queues
	mem    []driver.Queue
	faults []*faultqueue.Queue
	opts   runtime.WorkerOptions
	mux    *runtime.Mux

	mu       sync.Mutex
	calm     bool                    // guarded by mu; no faults any more, and every handler succeeds
	done     map[runtime.TaskID]bool // guarded by mu
	sent     []runtime.TaskID
	receives int                        // guarded by mu
	starts   map[string][]time.Duration // guarded by mu; by queue, of the last worker
	began    time.Time
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{T: t, dice: rand.New(rand.NewPCG(seed, 0)), queues: new(runtime.Queues), mux: runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)}), done: make(map[runtime.TaskID]bool)}
	n := 1 + s.dice.IntN(4)
	for i := range n {
		ordered := s.dice.IntN(3) == 0
		q, err := mem.New(fmt.Sprintf("q%d", i), &mem.Options{Hold: time.Duration(1+s.dice.IntN(4)) * time.Second, MaxReceives: 1000, Ordered: ordered, GroupBatches: ordered && s.dice.IntN(2) == 0})
		if err != nil {
			t.Fatal(err)
		}
		narrow := limited{q, func(c *driver.Capabilities) {
			if s.dice.IntN(2) == 0 {
				c.MaxReceiveBatch, c.MaxSettleBatch = 10, 10
			}
		}}
		f := faultqueue.New(narrow, s.weather(time.Duration(s.dice.IntN(30))*time.Millisecond, 1+s.dice.IntN(20)))
		info := runtime.QueueInfo{
			Name: fmt.Sprintf("q%d", i), Driver: f, Weight: 1 + i + 10*s.dice.IntN(3),
			Retry: &runtime.RetryPolicy{MaxAttempts: 2 + s.dice.IntN(3), MaxDeliveries: 500, Backoff: func(int) time.Duration { return time.Second }},
		}
		if s.dice.IntN(3) == 0 {
			info.Concurrency = 1 + s.dice.IntN(4)
		}
		if s.dice.IntN(3) == 0 {
			info.Rate = runtime.Rate{PerSecond: float64(5 + s.dice.IntN(200)), Burst: s.dice.IntN(10)}
		}
		if err := s.queues.Add(info); err != nil {
			t.Fatal(err)
		}
		s.mem, s.faults = append(s.mem, q), append(s.faults, f)
	}
	s.opts = runtime.WorkerOptions{Concurrency: 1 + s.dice.IntN(12), Strict: n > 1 && s.dice.IntN(2) == 0, Grace: 30 * time.Second, Logger: slog.New(slog.DiscardHandler), SettleTimeout: 5 * time.Second}
	if s.opts.Strict {
		for i, q := range s.queues.All() {
			q.Weight = 1 + i/2
		}
		if n == 2 {
			s.queues.All()[0].Weight = 3
		}
	}
	s.opts.OnError = func(runtime.Settled) {}
	var of, ofOther []runtime.HandleOption
	if s.dice.IntN(2) == 0 {
		of = append(of, runtime.MaxConcurrency(1+s.dice.IntN(4)))
	}
	if s.dice.IntN(2) == 0 {
		ofOther = append(ofOther, runtime.RateLimit(float64(5+s.dice.IntN(50)), s.dice.IntN(5)))
	}
	if s.dice.IntN(2) == 0 {
		of = append(of, runtime.HardTimeout(3*time.Second))
	}
	runtime.Handle(s.mux, func(ctx context.Context, t *runtime.Task[job]) error { return s.handle(ctx, t.Info) }, of...)
	runtime.Handle(s.mux, func(ctx context.Context, t *runtime.Task[other]) error { return s.handle(ctx, t.Info) }, ofOther...)
	runtime.Handle(s.mux, func(ctx context.Context, t *runtime.Task[rare]) error { return s.handle(ctx, t.Info) })
	t.Cleanup(func() { _ = s.queues.Close(context.WithoutCancel(t.Context())) })
	return s
}

// weather delays all calls and has one of so many fail in some way.
func (s *storm) weather(latency time.Duration, odds int) faultqueue.Rule {
	down := driver.Errorf(driver.Unavailable, "storm", "the broker is down")
	return faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		s.mu.Lock()
		calm := s.calm
		if c.Op == faultqueue.Receive && !c.Dead {
			s.receives++
		}
		s.mu.Unlock()
		if calm || c.Op == faultqueue.Policy || c.Op == faultqueue.Send && len(c.Messages) > 1 {
			next(ctx, c)
			return
		}
		<-time.After(latency / 2)
		switch dice := rand.IntN(12 * odds); {
		case dice == 0:
			faultqueue.FailAfter(down)(ctx, c, next)
		case dice == 1:
			faultqueue.FailBefore(down)(ctx, c, next)
		case dice == 2:
			<-time.After(time.Duration(rand.Int64N(int64(5 * time.Second))))
			next(ctx, c)
		case dice == 3 && c.Op == faultqueue.Receive:
			c.Fail(nil) // empty though it is not
		case dice == 4 && (c.Op == faultqueue.Settle || c.Op == faultqueue.Extend):
			c.Fail(driver.Errorf(driver.LeaseLost, "storm", "lost"))
		case dice == 5 && c.Op == faultqueue.Extend:
			c.Fail(driver.Errorf(driver.PermissionDenied, "storm", "no"))
		default:
			next(ctx, c)
		}
		<-time.After(latency / 2)
	}}
}

func (s *storm) handle(ctx context.Context, t *runtime.Info) error {
	s.mu.Lock()
	calm := s.calm
	s.starts[t.Queue] = append(s.starts[t.Queue], time.Since(s.began))
	s.mu.Unlock()
	wait := time.Duration(rand.Int64N(int64(20 * time.Millisecond)))
	dice := rand.IntN(40)
	if calm {
		dice = 40
	}
	switch dice {
	case 0:
		return errBoom
	case 1:
		panic("boom")
	case 2:
		goexit()
	case 3:
		return runtime.Snooze(time.Duration(rand.Int64N(int64(3 * time.Second))))
	case 4:
		return runtime.PauseQueue(time.Duration(1+rand.Int64N(int64(2*time.Second))), errBoom)
	case 5:
		<-time.After(4 * time.Second) // deaf
	case 6:
		wait = 6 * time.Second
	case 7:
		return runtime.Permanent(errBoom)
	case 8:
		return runtime.RetryAfter(0, errBoom)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
	}
	s.mu.Lock()
	s.done[t.ID] = true
	s.mu.Unlock()
	return nil
}

func (s *storm) fill(tasks int) {
	for i := range tasks {
		client, err := runtime.NewClient(s.queues, &runtime.ClientOptions{DefaultQueue: fmt.Sprintf("q%d", s.dice.IntN(len(s.mem)))})
		if err != nil {
			s.Fatal(err)
		}
		var opts []runtime.EnqueueOption
		if s.dice.IntN(2) == 0 {
			opts = append(opts, runtime.Group(fmt.Sprint(s.dice.IntN(6))))
		}
		var id runtime.TaskID
		switch name := fmt.Sprint(i); s.dice.IntN(3) {
		case 0:
			id, err = runtime.Enqueue(s.Context(), client, job{name}, opts...)
		case 1:
			id, err = runtime.Enqueue(s.Context(), client, other{name}, opts...)
		default:
			id, err = runtime.Enqueue(s.Context(), client, rare{name}, opts...)
		}
		if err == nil {
			s.sent = append(s.sent, id)
		}
	}
}

// run starts a worker, which ends after that many attempts if maxTasks is not 0.
func (s *storm) run(maxTasks int) (w *runtime.Worker, stop func()) {
	s.opts.MaxTasks = maxTasks
	w, err := runtime.NewWorker(s.queues, s.mux, &s.opts)
	if err != nil {
		s.Fatal(err)
	}
	s.mu.Lock()
	s.starts, s.began = make(map[string][]time.Duration), time.Now()
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return w, func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, runtime.ErrRecycle) {
			s.Error(err)
		}
		if left := w.Leftover(true); left != "" {
			s.Errorf("after the drain: %s", left)
		}
	}
}

func (s *storm) left() (n int64) {
	for _, q := range s.mem {
		stats, err := q.Stats(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		n += stats.Ready + stats.Leased + stats.Delayed
	}
	return n
}

// dead are the tasks in dead letters.
func (s *storm) dead() map[runtime.TaskID]bool {
	ids := make(map[runtime.TaskID]bool)
	for _, q := range s.mem {
		for {
			leases, err := q.DeadLetter().Receive(s.Context(), driver.ReceiveOptions{Max: 100})
			if err != nil {
				s.Fatal(err)
			}
			if len(leases) == 0 {
				break
			}
			for _, l := range leases {
				var event struct{ ID runtime.TaskID }
				if err := json.Unmarshal(l.Message().Body, &event); err != nil {
					s.Fatal(err)
				}
				ids[event.ID] = true
			}
		}
	}
	return ids
}

func TestWhateverHappensTheScheduleAddsUp(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStorm(t, seed)
				s.fill(s.dice.IntN(400))
				for range s.dice.IntN(3) { // workers that drain while there is much to do
					_, stop := s.run(s.dice.IntN(100))
					time.Sleep(time.Duration(s.dice.Int64N(int64(5 * time.Second))))
					stop()
				}
				w, stop := s.run(0)
				defer stop()
				for range 8 { // with times in which some queues have nothing
					time.Sleep(time.Duration(s.dice.Int64N(int64(4 * time.Second))))
					s.fill(s.dice.IntN(100))
				}
				s.mu.Lock()
				s.calm = true
				s.mu.Unlock()
				began := time.Now()
				for s.left() > 0 && time.Since(began) < 5*time.Minute {
					time.Sleep(time.Second)
				}
				if n := s.left(); n > 0 {
					t.Fatalf("%d tasks are left after %v without a fault; the worker counts %s", n, time.Since(began), w.Leftover(false))
				}
				time.Sleep(time.Minute)
				if left := w.Leftover(false); left != "" {
					t.Errorf("an idle worker: %s", left)
				}
				before := s.received()
				time.Sleep(time.Hour)
				if n, most := s.received()-before, 361*len(s.mem); n > most {
					t.Errorf("%d receives in an idle hour; want at most %d", n, most)
				}
				s.check()
			})
		})
	}
}

func (s *storm) received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.receives
}

// check wants each task done or dead.
func (s *storm) check() {
	dead := s.dead()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.sent {
		if !s.done[id] && !dead[id] {
			s.Errorf("task %s is lost", id)
		}
	}
	for _, q := range s.queues.All() {
		if q.Rate.PerSecond == 0 {
			continue
		}
		burst := float64(q.Rate.Burst)
		if burst == 0 {
			burst = math.Ceil(q.Rate.PerSecond / 10)
		}
		most := q.Rate.PerSecond + burst
		first := 0
		for i, at := range s.starts[q.Name] {
			for at-s.starts[q.Name][first] >= time.Second {
				first++
			}
			if n := i - first + 1; float64(n) > most {
				s.Fatalf("%d tasks of queue %q started in the second before %v; want at most %v", n, q.Name, at, most)
			}
		}
	}
}
