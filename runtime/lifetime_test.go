package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// worker is one of b's.
func (b *bench) worker(o *runtime.WorkerOptions) *runtime.Worker {
	b.Helper()
	w, err := runtime.NewWorker(b.queues, b.mux, o)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// Workers that end after a few tasks each do all there are, one after the other,
// each task once.
func TestAWorkerIsRecycledAfterItsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		var ran atomic.Int64
		b.handle(func(context.Context, *runtime.Task[job]) error {
			ran.Add(1)
			time.Sleep(time.Second)
			return nil
		})
		const tasks = 21
		for range tasks {
			b.enqueue("a")
		}
		workers := 0
		for ; ran.Load() < tasks; workers++ {
			before := ran.Load()
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			if err := b.worker(&runtime.WorkerOptions{Concurrency: 1, MaxTasks: 5}).Run(ctx); ran.Load() < tasks && !errors.Is(err, runtime.ErrRecycle) {
				t.Fatalf("run: %v, want ErrRecycle", err)
			}
			if n := ran.Load() - before; n < 5 || n > 6 {
				t.Errorf("a worker ran %d attempts, want 5, or 6 with one that had begun", n)
			}
			if workers == 2 { // the last one would wait for more
				break
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := b.worker(nil).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if ran.Load() != tasks {
			t.Errorf("%d runs of %d tasks", ran.Load(), tasks)
		}
		b.stats(0, 0, 0)
	})
}

func TestAWorkerIsRecycledAtItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(2 * time.Hour) // longer than what is left
			return nil
		})
		b.enqueue("a")
		ages := map[time.Duration]bool{}
		for range 5 {
			start := time.Now()
			err := b.worker(&runtime.WorkerOptions{MaxAge: time.Hour, Grace: 3 * time.Hour}).Run(t.Context())
			age := time.Since(start)
			if !errors.Is(err, runtime.ErrRecycle) {
				t.Errorf("run: %v, want ErrRecycle", err)
			}
			if len(ages) == 0 { // it waited for its handler
				if age != 2*time.Hour {
					t.Errorf("the first ended after %v, want 2h, as its handler takes", age)
				}
			} else if age < 54*time.Minute || age > time.Hour {
				t.Errorf("ended at the age of %v, want 54 min to 1h", age)
			}
			ages[age] = true
		}
		if len(ages) < 5 {
			t.Errorf("ages %v: some ended together", ages)
		}
		b.stats(0, 0, 0)
	})
}

func TestAWorkerIsRecycledAtASizeOfItsMemory(t *testing.T) {
	ballast := make([]byte, 64<<20)
	goruntime.GC()
	for limit, want := range map[int64]error{16 << 20: runtime.ErrRecycle, 1 << 40: nil} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil, runtime.RetryPolicy{}, nil)
			b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			start := time.Now()
			if err := b.worker(&runtime.WorkerOptions{MaxMemory: limit}).Run(ctx); !errors.Is(err, want) {
				t.Errorf("limit %d: %v, want %v", limit, err, want)
			}
			if took := time.Since(start); want != nil && took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	goruntime.KeepAlive(ballast)
}

// Who ends the program while a worker drains for another reason wants no other.
func TestTheEndOfTheProgramIsNoRecycling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(65 * time.Minute)
			return nil
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{MaxAge: time.Hour, Grace: 20 * time.Minute})
		time.Sleep(time.Hour + time.Second)
		if err := stop(); err != nil {
			t.Errorf("run: %v, want nil", err)
		}
		b.stats(0, 0, 0)
	})
}

// Two workers that are recycled all the time, and share tasks that fail and are
// put off, do each task once.
func TestWorkersThatAreRecycledAtOnceLoseNothing(t *testing.T) {
	for seed := range 20 {
		synctest.Test(t, func(t *testing.T) {
			ordered := seed%2 == 0
			b := newBench(t, &mem.Options{Ordered: ordered, GroupBatches: seed%4 == 0, MaxReceives: 1000, Hold: 5 * time.Second},
				runtime.RetryPolicy{MaxAttempts: 50, MaxDeliveries: 200, Backoff: runtime.Fixed(time.Second)}, nil)
			const tasks = 60
			var mu sync.Mutex
			tries, left := map[runtime.TaskID]int{}, tasks // guarded by mu
			b.handle(func(_ context.Context, task *runtime.Task[job]) error {
				time.Sleep(time.Duration(1+seed%7) * 100 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				switch tries[task.ID]++; tries[task.ID] {
				case 1:
					return errors.New("boom")
				case 2:
					return runtime.Snooze(2 * time.Second)
				case 3:
					left--
				default:
					t.Error("a task was done twice")
				}
				return nil
			})
			for i := range tasks {
				if ordered {
					b.enqueue("a", runtime.Group(string(rune('a'+i%7))))
				} else {
					b.enqueue("a")
				}
			}
			var workers sync.WaitGroup
			end := time.Now().Add(time.Hour)
			for range 2 {
				workers.Go(func() {
					for time.Now().Before(end) {
						ctx, stop := context.WithTimeout(t.Context(), time.Minute)
						err := b.worker(&runtime.WorkerOptions{
							Concurrency: 1 + seed%5, MaxTasks: 3 + seed%11, MaxAge: 20 * time.Second, Logger: slog.New(slog.DiscardHandler),
							OnDead: func(s runtime.Settled) { t.Errorf("a task is dead: %v", s.Decision.Err) },
						}).Run(ctx)
						stop()
						mu.Lock()
						over := left == 0
						mu.Unlock()
						if over {
							return
						}
						if !errors.Is(err, runtime.ErrRecycle) {
							t.Errorf("run: %v, want ErrRecycle", err)
						}
					}
				})
			}
			workers.Wait()
			if left != 0 {
				t.Errorf("seed %d: %d tasks are not done", seed, left)
			}
			b.stats(0, 0, 0)
		})
	}
}

// What is logged when the drain begins does not say that it is over.
func TestRecyclingSaysWhichLimitWasReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.enqueue("a")
		b.enqueue("a")
		ended := b.worker(&runtime.WorkerOptions{MaxTasks: 2, Logger: slog.New(slog.NewTextHandler(b.log, nil))}).Run(t.Context())
		if want := runtime.ErrRecycle.Error() + " (2 attempts)"; !errors.Is(ended, runtime.ErrRecycle) || ended.Error() != want {
			t.Errorf("run: %v, want %s", ended, want)
		}
		if want := `msg="the worker is recycled: it drains" reason="2 attempts"`; !strings.Contains(b.log.String(), want) {
			t.Errorf("the log is\n%s; want %s", b.log, want)
		}
	})
}

func TestLimitsOfAWorkersLifeAreChecked(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
	for _, o := range []runtime.WorkerOptions{{MaxTasks: -1}, {MaxAge: -1}, {MaxMemory: -1}} {
		if _, err := runtime.NewWorker(b.queues, b.mux, &o); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%d, %v, %d: %v, want InvalidArgument", o.MaxTasks, o.MaxAge, o.MaxMemory, err)
		}
	}
}

// hanging is a queue whose configuration is never answered.
type hanging struct{ driver.Queue }

func (hanging) Policy(ctx context.Context) (driver.Policy, error) {
	<-ctx.Done()
	return driver.Policy{}, driver.Errorf(driver.Canceled, "test", "%w", ctx.Err())
}

// SIGTERM during the start is a clean end, wherever it comes.
func TestTheEndOfTheProgramDuringTheStartIsClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return hanging{q} })
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		stop := b.start(runtime.WorkerOptions{MaxTasks: 1})
		time.Sleep(time.Second)
		start := time.Now()
		if err := stop(); err != nil || time.Since(start) > 0 {
			t.Errorf("while it reads the configuration: %v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.enqueue("a")
		ctx, cancel := context.WithCancel(t.Context())
		if err := b.worker(&runtime.WorkerOptions{OnStart: cancel, MaxAge: 1}).Run(ctx); err != nil {
			t.Errorf("in OnStart: %v", err)
		}
		b.stats(1, 0, 0)
	})
}
