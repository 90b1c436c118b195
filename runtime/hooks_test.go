package runtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func TestHooksTellOfFailuresAndDeaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 2, Backoff: runtime.Fixed(time.Second)}, nil)
		var mu sync.Mutex
		var failed, dead []string // guarded by mu
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Args.Name == "bad" || task.Args.Name == "shaky" && task.Attempt == 1 {
				return errBoom
			}
			return nil
		})
		ids := map[runtime.TaskID]string{}
		for _, name := range []string{"good", "shaky", "bad"} {
			ids[b.enqueue(name)] = name
		}
		stop := b.start(runtime.WorkerOptions{
			OnError: func(s runtime.Settled) {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, ids[s.Decision.Task.ID])
				if !errors.Is(s.Decision.Err, errBoom) || s.Queue != "jobs" || s.MessageID == "" {
					t.Errorf("failure %+v", s)
				}
			},
			OnDead: func(s runtime.Settled) {
				mu.Lock()
				defer mu.Unlock()
				dead = append(dead, ids[s.Decision.Task.ID]+" "+s.Decision.Settlement.Reason)
			},
		})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(failed)
		if want := []string{"bad", "bad", "shaky"}; !slices.Equal(failed, want) {
			t.Errorf("OnError told of %v, want %v", failed, want)
		}
		if want := []string{"bad max-attempts"}; !slices.Equal(dead, want) {
			t.Errorf("OnDead told of %v, want %v", dead, want)
		}
	})
}

func TestADeathThatTheQueueDidNotTakeIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{Op: faultqueue.Settle, Times: 1,
			Fault: faultqueue.FailBefore(driver.Errorf(driver.PermissionDenied, "test", "no"))}))
		var dead atomic.Int64
		b.handle(func(context.Context, *runtime.Task[job]) error { return runtime.Permanent(errBoom) })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{OnDead: func(runtime.Settled) { dead.Add(1) }})
		time.Sleep(time.Second)
		if dead.Load() != 0 {
			t.Error("OnDead told of it")
		}
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := dead.Load(); n != 1 {
			t.Errorf("OnDead told %d times, want once", n)
		}
	})
}

func TestAPanicInAHookDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return errBoom })
		b.enqueue("a")
		hook := func(runtime.Settled) { panic("hook") }
		stop := b.start(runtime.WorkerOptions{OnSettled: hook, OnError: hook, OnDead: hook})
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(0, 0, 1)
		for _, name := range []string{"OnSettled", "OnError", "OnDead"} {
			if !strings.Contains(b.log.String(), "hook="+name) {
				t.Errorf("the panic of %s is not logged:\n%s", name, b.log)
			}
		}
	})
}
