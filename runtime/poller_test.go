package runtime_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// flights counts the receives that are under way.
type flights struct {
	mu             sync.Mutex
	now, most, all int // guarded by mu
}

func (f *flights) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now += n
	f.all += max(0, n)
	f.most = max(f.most, f.now)
}

// since is how many there were at once at most since the last call, and in all.
func (f *flights) since() (most, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	most, all = f.most, f.all
	f.most, f.all = f.now, 0
	return most, all
}

// partial answers each receive after a while and with at most this many messages.
func (f *flights) partial(most int, after time.Duration) faultqueue.Fault {
	return func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		f.add(1)
		defer f.add(-1)
		c.Options.Max = min(c.Options.Max, most)
		faultqueue.Stall(after)(ctx, c, next)
	}
}

// A broker of many parts answers a receive with what one of them has at hand: with
// less than was asked for, although there is more.
func TestPollersGrowOnPartialAnswersAndDecayToOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks, part, latency = 3000, 3, 50 * time.Millisecond
		var f flights
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Receive, Fault: f.partial(part, latency)})
		})
		var done sync.WaitGroup
		b.handle(func(context.Context, *runtime.Task[job]) error { done.Done(); return nil })
		stop := b.start(runtime.WorkerOptions{Concurrency: 100, Grace: time.Minute})
		time.Sleep(time.Minute)
		done.Add(tasks)
		for range tasks {
			b.enqueue("one of many")
		}
		began := time.Now()
		done.Wait()
		took := time.Since(began)
		most, _ := f.since()
		if alone := tasks / part * latency; took > alone/5 || most > 16 {
			t.Errorf("%d tasks in %v with %d receives at once; want a fifth of the %v that one at a time takes, and at most 16", tasks, took, most, alone)
		}
		time.Sleep(25 * time.Second) // those that wait when there is no more
		f.since()
		time.Sleep(time.Hour)
		if most, all := f.since(); most != 1 || all > 3*60 {
			t.Errorf("idle for an hour: %d receives at once, %d in all; want one at a time, of 20 s each", most, all)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// Where one receive brings all that comes, others would only share it.
func TestPollersDoNotGrowOnWhatComesNowAndThen(t *testing.T) {
	for _, pause := range []time.Duration{time.Second, 200 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			const tasks = 1000
			var f flights
			b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
				return faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Receive, Fault: f.partial(10, 50*time.Millisecond)})
			})
			b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
			stop := b.start(runtime.WorkerOptions{Concurrency: 100})
			for i := range tasks {
				if i%2 == 0 { // now and then two at once
					b.enqueue("one of two")
				}
				b.enqueue("one")
				time.Sleep(pause)
			}
			if most, all := f.since(); most > 3 || all > tasks*3/2+10 {
				t.Errorf("one task each %v: %d receives at once, %d for %d tasks; want at most 3, and none that brings nothing", pause, most, all, tasks*3/2)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
