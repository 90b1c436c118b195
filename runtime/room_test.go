package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// addQueue gives b another in-memory queue.
func (b *bench) addQueue(name string, o *mem.Options) *mem.Queue {
	b.Helper()
	q, err := mem.New(name, o)
	if err != nil {
		b.Fatal(err)
	}
	if err := b.queues.Add(runtime.QueueInfo{Name: name, Driver: q}); err != nil {
		b.Fatal(err)
	}
	return q
}

func TestAnIdleQueueTakesNoTurnFromABusyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.addQueue("idle", nil)
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			r.add()
			time.Sleep(25 * time.Second)
			return nil
		})
		const tasks = 20
		client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{DefaultQueue: "jobs"})
		if err != nil {
			t.Fatal(err)
		}
		for range tasks {
			if _, err := runtime.Enqueue(t.Context(), client, job{"a"}); err != nil {
				t.Fatal(err)
			}
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 1})
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		at := r.all()
		if len(at) != tasks || at[len(at)-1] > (tasks-1)*25*time.Second {
			t.Errorf("ran at %v, want %d runs without a pause", at, tasks)
		}
	})
}

func TestAQueueThatIsEmptyKeepsNoRoomFromTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil) // stays empty
		b.addQueue("second", nil)
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error { r.add(); return nil })
		stop := b.start(runtime.WorkerOptions{Concurrency: 4})
		client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{DefaultQueue: "second"})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := runtime.Enqueue(t.Context(), client, job{"a"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(7 * time.Second)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for i, at := range r.all() {
			if due := time.Duration(i) * 7 * time.Second; at > due+time.Second {
				t.Errorf("task %d ran at %v, want %v", i, at, due)
			}
		}
		if len(r.all()) != 5 {
			t.Errorf("%d runs, want 5", len(r.all()))
		}
	})
}
