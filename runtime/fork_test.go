package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// lost fails a call with LeaseLost, and it has no effect.
func lost() faultqueue.Fault {
	return faultqueue.FailBefore(driver.Errorf(driver.LeaseLost, "test", "gone"))
}

// nonWithdrawer hides that a queue can take back a copy.
type nonWithdrawer struct{ driver.Queue }

// After a copy whose ack came too late the message comes again: it is only acked.
func TestAMessageWhoseCopyWasSentIsOnlyAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sends atomic.Int64
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return nonWithdrawer{faultqueue.New(q,
				faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: lost()},
				faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
					sends.Add(int64(len(c.Messages)))
					next(ctx, c)
				}})}
		})
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			if r.add() == 1 {
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		b.runFor(time.Hour)
		if at := r.all(); len(at) != 2 || sends.Load() != 2 {
			t.Errorf("ran at %v, %d sends; want 2 of each", at, sends.Load())
		}
		b.stats(0, 0, 0)
	})
}

// A queue that can takes the copy back, and the message is the only one again.
func TestACopySentOnALostLeaseIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: lost()}))
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			if r.add() < 3 {
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Second)
		b.stats(0, 1, 0) // the message itself, and no copy
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(r.all()); n != 3 {
			t.Errorf("ran %d times, want 3: twice snoozed and done", n)
		}
		b.stats(0, 0, 0)
	})
}

// When an ack had no answer the copy may be all there is.
func TestACopyIsNotWithdrawnAfterAnAckWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 6 * time.Second}, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Fault: faultqueue.FailAfter(errDown)}))
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			if r.add() == 1 {
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		b.runFor(time.Hour)
		if n := len(r.all()); n != 2 {
			t.Errorf("ran %d times, want 2", n)
		}
		b.stats(0, 0, 0)
	})
}

// A copy whose send had no answer may be there. It is sent again under the same send
// id, by which a queue that deduplicates knows it, and that is not the message's own.
func TestACopyIsSentAgainUnderItsOwnSendID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(faultqueue.Rule{
			Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.N > 1 },
			Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				sent = append(sent, c.Messages[0].SendID)
				if len(sent) == 1 || len(sent) == 3 {
					faultqueue.FailBefore(errDown)(ctx, c, next)
					return
				}
				next(ctx, c)
			}}))
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error {
			if r.add() < 3 {
				return runtime.Snooze(time.Minute)
			}
			return nil
		})
		id := b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if len(sent) != 4 || sent[0] != sent[1] || sent[2] != sent[3] {
			t.Fatalf("send ids %q; want two, each used twice", sent)
		}
		if sent[0] == sent[2] || sent[0] == string(id) || sent[2] == string(id) || sent[0] == "" || sent[2] == "" {
			t.Errorf("send ids %q of copies of %s; want fresh ones", sent, id)
		}
		b.stats(0, 0, 0)
	})
}
