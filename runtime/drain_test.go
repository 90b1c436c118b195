package runtime_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A drain ends with its grace, whatever call to the broker hangs.
func TestADrainIsNotHeldUpByCallsThatHang(t *testing.T) {
	const grace = 4 * time.Second
	for name, c := range map[string]struct {
		op     faultqueue.Op
		hold   time.Duration
		change func(*driver.Capabilities)
	}{
		"settle":                   {op: faultqueue.Settle, hold: time.Minute},
		"settles by the batch":     {op: faultqueue.Settle, hold: time.Minute, change: func(c *driver.Capabilities) { c.MaxSettleBatch = 1 }},
		"extend":                   {op: faultqueue.Extend, hold: time.Hour},
		"receive that strands":     {op: faultqueue.Receive, hold: time.Minute, change: func(c *driver.Capabilities) { c.CancelSafe = false }},
		"the confirming of a copy": {op: faultqueue.Extend, hold: time.Hour, change: func(c *driver.Capabilities) { c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{}, 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var hang atomic.Bool
				b := newBench(t, &mem.Options{Hold: c.hold}, runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}, func(q driver.Queue) driver.Queue {
					if c.change != nil {
						q = limited{q, c.change}
					}
					return faultqueue.New(q, faultqueue.Rule{Op: c.op, Match: func(*faultqueue.Call) bool { return hang.Load() }, Fault: faultqueue.Hang()})
				})
				var told atomic.Int64
				var drained time.Time
				b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
					<-ctx.Done()
					told.Store(int64(time.Since(drained)))
					if context.Cause(ctx) != runtime.ErrDraining {
						t.Errorf("cause %v", context.Cause(ctx))
					}
					return errBoom
				})
				for range 40 {
					b.enqueue("a")
				}
				var ends atomic.Int64
				stop := b.start(runtime.WorkerOptions{Grace: grace, Concurrency: 41, OnSettled: func(runtime.Settled) { ends.Add(1) }})
				time.Sleep(time.Second)
				hang.Store(true)
				time.Sleep(c.hold/3 - 3*time.Second) // into the extends of some
				drained = time.Now()
				err := stop()
				if took := time.Since(drained); took > grace {
					t.Errorf("the drain took %v, want at most %v (%v)", took, grace, err)
				}
				if at := time.Duration(told.Load()); at != grace/2 {
					t.Errorf("handlers were told after %v, want %v", at, grace/2)
				}
				if ends.Load() != 40 {
					t.Errorf("%d deliveries ended, want 40", ends.Load())
				}
			})
		})
	}
}

func TestAHandlerThatOutlivesItsLeaseAndTheDrainIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 5 * time.Second}, runtime.RetryPolicy{},
			faulty(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.FailBefore(errLost)}))
		release := make(chan struct{})
		b.handle(func(context.Context, *runtime.Task[job]) error { <-release; return nil })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{Concurrency: 1, Grace: 10 * time.Second})
		time.Sleep(4 * time.Second) // its lease is lost
		err := stop()
		if !driver.Is(err, driver.DeadlineExceeded) || !strings.Contains(err.Error(), "1 handlers did not return") {
			t.Errorf("run: %v, want the handler that did not return", err)
		}
		close(release)
	})
}
