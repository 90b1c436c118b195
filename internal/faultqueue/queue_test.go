package faultqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

var errFault = driver.Errorf(driver.Throttled, "test", "fault")

// open makes a queue with n messages and one that is delayed by an hour, m1, and
// a wrapper with rules.
func open(t *testing.T, n int, rules ...fq.Rule) (inner driver.Queue, q *fq.Queue) {
	t.Helper()
	inner, err := mem.New("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := append([]driver.Message{{Body: []byte("later"), Delay: time.Hour}}, messages(n)...)
	for _, r := range inner.Send(t.Context(), batch) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return inner, fq.New(inner, rules...)
}

func messages(n int) []driver.Message {
	batch := make([]driver.Message, n)
	for i := range batch {
		batch[i].Body = []byte{byte('a' + i)}
	}
	return batch
}

func receive(t *testing.T, s driver.Source, most int) []driver.Lease {
	t.Helper()
	leases, err := s.Receive(t.Context(), driver.ReceiveOptions{Max: most})
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func ready(t *testing.T, q driver.Queue) int64 {
	t.Helper()
	return waiting(t, q)[0]
}

// waiting is how many messages are ready, and how many delayed.
func waiting(t *testing.T, q driver.Queue) [2]int64 {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return [2]int64{s.Ready, s.Delayed}
}

func TestEachMethodFailsBeforeOrAfterItsEffect(t *testing.T) {
	calls := map[fq.Op]func(context.Context, driver.Queue) error{
		fq.Send: func(ctx context.Context, q driver.Queue) error { return q.Send(ctx, messages(1))[0].Err },
		fq.Receive: func(ctx context.Context, q driver.Queue) error {
			_, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1})
			return err
		},
		fq.Withdraw: func(ctx context.Context, q driver.Queue) error { return q.(driver.Withdrawer).Withdraw(ctx, "m1") },
		fq.Policy:   func(ctx context.Context, q driver.Queue) error { _, err := q.Policy(ctx); return err },
		fq.Stats:    func(ctx context.Context, q driver.Queue) error { _, err := q.Stats(ctx); return err },
		fq.MoveAll: func(ctx context.Context, q driver.Queue) error {
			_, err := q.DeadLetter().MoveAll(ctx, driver.MoveOptions{})
			return err
		},
		fq.Close: func(ctx context.Context, q driver.Queue) error { return q.Close(ctx) },
	}
	// The number of ready and delayed messages after the call, of one and one at
	// the start.
	effect := map[fq.Op][2]int64{
		fq.Send: {2, 1}, fq.Withdraw: {1, 0}, fq.Receive: {0, 1}, fq.Policy: {1, 1}, fq.Stats: {1, 1}, fq.MoveAll: {1, 1},
	}
	for op, call := range calls {
		t.Run(op.String(), func(t *testing.T) {
			inner, before := open(t, 1, fq.Rule{Op: op, Fault: fq.FailBefore(errFault)})
			if err := call(t.Context(), before); !errors.Is(err, errFault) {
				t.Errorf("fail before: %v", err)
			}
			if n := waiting(t, inner); n != [2]int64{1, 1} {
				t.Errorf("fail before: %d ready and delayed, want 1 and 1", n)
			}
			inner, after := open(t, 1, fq.Rule{Op: op, Fault: fq.FailAfter(errFault)})
			if err := call(t.Context(), after); !errors.Is(err, errFault) {
				t.Errorf("fail after: %v", err)
			}
			if op == fq.Close {
				if _, err := inner.Stats(t.Context()); !driver.Is(err, driver.Closed) {
					t.Errorf("fail after: inner answers %v, want Closed", err)
				}
			} else if n := waiting(t, inner); n != effect[op] {
				t.Errorf("fail after: %d ready and delayed, want %d", n, effect[op])
			}
		})
	}
}

func TestSettleAndExtendFailBeforeOrAfter(t *testing.T) {
	inner, q := open(t, 2,
		fq.Rule{Op: fq.Settle, Times: 1, Fault: fq.FailBefore(errFault)},
		fq.Rule{Op: fq.Settle, Fault: fq.FailAfter(errFault)},
		fq.Rule{Op: fq.Extend, Fault: fq.FailAfter(errFault)},
	)
	leases := receive(t, q, 2)
	release := []driver.Settlement{{Lease: leases[0], Verdict: driver.Release}}

	if err := q.Settle(t.Context(), release)[0]; !errors.Is(err, errFault) || ready(t, inner) != 0 {
		t.Errorf("before: %v and %d ready", err, ready(t, inner))
	}
	if err := q.Settle(t.Context(), release)[0]; !errors.Is(err, errFault) || ready(t, inner) != 1 {
		t.Errorf("after: %v and %d ready", err, ready(t, inner))
	}
	if r := q.Extend(t.Context(), leases[1:], 0); len(r) != 1 || !errors.Is(r[0].Err, errFault) {
		t.Errorf("extend: %v", r)
	}
}

func TestOnFailsOnlyTheChosenItem(t *testing.T) {
	inner, q := open(t, 0, fq.Rule{Op: fq.Send, Fault: fq.On(fq.Item(1), fq.FailBefore(errFault))})

	results := q.Send(t.Context(), messages(3))

	if len(results) != 3 || results[0].Err != nil || !errors.Is(results[1].Err, errFault) || results[2].Err != nil {
		t.Fatalf("results %v", results)
	}
	got := receive(t, inner, 5)
	if len(got) != 2 || string(got[0].Message().Body) != "a" || string(got[1].Message().Body) != "c" {
		t.Errorf("%d messages", len(got))
	}
	if results[0].ID != got[0].Message().ID || results[2].ID != got[1].Message().ID {
		t.Error("results do not stand in the order of the items")
	}
	if results := q.Send(t.Context(), messages(1)); results[0].Err != nil {
		t.Errorf("no such item: %v", results)
	}
}

func TestOnFailsOnlyTheChosenLeases(t *testing.T) {
	inner, q := open(t, 3,
		fq.Rule{Op: fq.Settle, Fault: fq.On(fq.Item(1), fq.FailBefore(errFault))},
		fq.Rule{Op: fq.Extend, Fault: fq.On(fq.Item(2), fq.FailAfter(errFault))},
	)
	leases := receive(t, q, 3)

	extended := q.Extend(t.Context(), leases, 0)
	batch := make([]driver.Settlement, 3)
	for i, l := range leases {
		batch[i] = driver.Settlement{Lease: l, Verdict: driver.Release}
	}
	settled := q.Settle(t.Context(), batch)

	for i := range 3 {
		if failed := errors.Is(extended[i].Err, errFault); failed != (i == 2) || !failed && extended[i].Expires.IsZero() {
			t.Errorf("extend item %d: %+v", i, extended[i])
		}
		if failed := errors.Is(settled[i], errFault); failed != (i == 1) {
			t.Errorf("settle item %d: %v", i, settled[i])
		}
	}
	if n := ready(t, inner); n != 2 {
		t.Errorf("%d released, want 2", n)
	}
}

func TestRulesChooseByCallNumberTimesAndSource(t *testing.T) {
	var numbers []int
	_, q := open(t, 0,
		fq.Rule{Op: fq.Receive, Match: func(c *fq.Call) bool {
			if c.Dead {
				return false
			}
			numbers = append(numbers, c.N)
			return c.N >= 2
		}, Times: 2, Fault: fq.FailBefore(errFault)},
	)
	var failed []bool
	for range 5 {
		_, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		failed = append(failed, err != nil)
		if _, err := q.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 1}); err != nil {
			t.Errorf("dead letter: %v", err)
		}
	}
	if want := []bool{false, true, true, false, false}; !equal(failed, want) {
		t.Errorf("failed %v, want %v", failed, want)
	}
	if len(numbers) != 3 || numbers[2] != 3 {
		t.Errorf("numbers %v, want 1 to 3", numbers)
	}
	q.Clear()
	q.Add(fq.Rule{Fault: fq.FailBefore(errFault)})
	if _, err := q.Policy(t.Context()); !errors.Is(err, errFault) {
		t.Errorf("any: %v", err)
	}
}

func equal(a, b []bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestLieChangesCopiesOfArgumentsAndResults(t *testing.T) {
	inner, q := open(t, 0,
		fq.Rule{Op: fq.Send, Fault: fq.Lie(func(c *fq.Call) { c.Messages[0].Body = []byte("lie") }, func(c *fq.Call) { c.Sent[0].ID = "other" })},
	)
	batch := messages(1)

	r := q.Send(t.Context(), batch)

	if r[0].ID != "other" || string(batch[0].Body) != "a" {
		t.Errorf("result %q, caller's body %q", r[0].ID, batch[0].Body)
	}
	if got := receive(t, inner, 1); string(got[0].Message().Body) != "lie" {
		t.Errorf("sent %q", got[0].Message().Body)
	}
}

func TestWrappedLeaseStillSettles(t *testing.T) {
	_, q := open(t, 1, fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
		for i, l := range c.Received {
			c.Received[i] = fq.Wrap(l, func(v *fq.View) { v.Attempt = 7 })
		}
	})})

	l := receive(t, q, 1)[0]

	if l.Attempt() != 7 || string(l.Message().Body) != "a" || !l.Expires().After(l.Received()) {
		t.Errorf("lease %d %q", l.Attempt(), l.Message().Body)
	}
	if r := q.Extend(t.Context(), []driver.Lease{l}, time.Minute); r[0].Err != nil {
		t.Error(r[0].Err)
	}
	if err := q.Settle(t.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0]; err != nil {
		t.Error(err)
	}
}

func TestWithdrawPassesItsArgumentOn(t *testing.T) {
	inner, q := open(t, 0, fq.Rule{Op: fq.Withdraw, Match: func(c *fq.Call) bool { return c.ID == "other" && c.N == 2 },
		Fault: fq.Lie(func(c *fq.Call) { c.ID = "m1" }, nil)})
	if err := q.Withdraw(t.Context(), "other"); !driver.Is(err, driver.NotFound) || waiting(t, inner)[1] != 1 {
		t.Errorf("another: %v, %d delayed", err, waiting(t, inner)[1])
	}
	if err := q.Withdraw(t.Context(), "other"); err != nil || waiting(t, inner)[1] != 0 {
		t.Errorf("the delayed one: %v, %d delayed", err, waiting(t, inner)[1])
	}
	q = fq.New(struct{ driver.Queue }{inner}) // one that takes nothing back
	if err := q.Withdraw(t.Context(), "m1"); !driver.Is(err, driver.Unsupported) {
		t.Errorf("without a withdrawer: %v", err)
	}
	q.Kill()
	if err := q.Withdraw(t.Context(), "m1"); !driver.Is(err, driver.Unavailable) {
		t.Errorf("cut off: %v", err)
	}
}

func TestStallAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, q := open(t, 0,
			fq.Rule{Op: fq.Send, Fault: fq.Stall(time.Minute)},
			fq.Rule{Op: fq.Receive, Fault: fq.Hang()},
		)
		start := time.Now()
		if r := q.Send(t.Context(), messages(1)); r[0].Err != nil || time.Since(start) != time.Minute {
			t.Errorf("stalled send: %v after %v", r[0].Err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r := q.Send(ctx, messages(1)); !driver.Is(r[0].Err, driver.DeadlineExceeded) {
			t.Errorf("stalled past the deadline: %v", r[0].Err)
		}
		if n := ready(t, inner); n != 1 {
			t.Errorf("%d sent, want 1", n)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start = time.Now()
		_, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1})
		if !driver.Is(err, driver.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("hung: %v after %v", err, time.Since(start))
		}
	})
}

func TestKillEndsCallsInFlightAndAllLaterOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, q := open(t, 0)
		waiting := make(chan error, 1)
		go func() {
			_, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Hour})
			waiting <- err
		}()
		synctest.Wait()

		q.Kill()

		start := time.Now()
		if err := <-waiting; !driver.Is(err, driver.Unavailable) || time.Since(start) != 0 {
			t.Errorf("call in flight: %v after %v", err, time.Since(start))
		}
		if r := q.Send(t.Context(), messages(2)); len(r) != 2 || !driver.Is(r[1].Err, driver.Unavailable) {
			t.Errorf("later call: %v", r)
		}
		if _, err := q.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 1}); !driver.Is(err, driver.Unavailable) {
			t.Errorf("dead letter: %v", err)
		}
		if r := inner.Send(t.Context(), messages(1)); r[0].Err != nil {
			t.Errorf("inner queue: %v", r[0].Err)
		}
	})
}

func TestCutBeforeAndAfter(t *testing.T) {
	for _, after := range []bool{false, true} {
		inner, q := open(t, 0)
		f := q.Cut()
		if after {
			f = q.CutAfter()
		}
		q.Add(fq.Rule{Op: fq.Send, Fault: f})

		r := q.Send(t.Context(), messages(1))

		if !driver.Is(r[0].Err, driver.Unavailable) || !q.Killed() {
			t.Errorf("after %v: %v, killed %v", after, r[0].Err, q.Killed())
		}
		if n := ready(t, inner); (n == 1) != after {
			t.Errorf("after %v: %d sent", after, n)
		}
	}
}

func TestAsReachesWrapperAndInner(t *testing.T) {
	_, q := open(t, 0)
	var outer *fq.Queue
	var inner *mem.Queue
	if !q.As(&outer) || outer != q || !q.As(&inner) || inner == nil || q.As(new(string)) {
		t.Error("As does not reach what it should")
	}
	if q.Capabilities().MaxSendBatch == 0 {
		t.Error("no capabilities")
	}
}
