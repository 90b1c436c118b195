package mem_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

func open(t *testing.T, o *mem.Options) *mem.Queue {
	t.Helper()
	q, err := mem.New("orders", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(t.Context()) })
	return q
}

func send(t *testing.T, q driver.Queue, messages ...driver.Message) {
	t.Helper()
	for i, r := range q.Send(t.Context(), messages) {
		if r.Err != nil {
			t.Fatalf("send %d: %v", i, r.Err)
		}
	}
}

func receive(t *testing.T, s driver.Source, n int) []driver.Lease {
	t.Helper()
	leases, err := s.Receive(t.Context(), driver.ReceiveOptions{Max: n})
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func settle(t *testing.T, s driver.Source, batch ...driver.Settlement) {
	t.Helper()
	for i, err := range s.Settle(t.Context(), batch) {
		if err != nil {
			t.Fatalf("settle %d: %v", i, err)
		}
	}
}

func bodies(leases []driver.Lease) string {
	var s string
	for _, l := range leases {
		s += string(l.Message().Body)
	}
	return s
}

func TestWithdrawTakesBackWhatIsNotDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, nil)
		batch := []driver.Message{
			{Body: []byte("a"), Delay: time.Minute}, {Body: []byte("b"), Delay: time.Minute}, {Body: []byte("c")},
		}
		sent := q.Send(t.Context(), batch)
		withdraw := func(i int) error { return q.Withdraw(t.Context(), sent[i].ID) }
		time.Sleep(time.Minute - time.Nanosecond)
		if err := withdraw(0); err != nil {
			t.Errorf("before it is due: %v", err)
		}
		time.Sleep(time.Nanosecond)
		for i, what := range []string{"withdrawn", "due", "never delayed"} {
			if err := withdraw(i); !driver.Is(err, driver.NotFound) {
				t.Errorf("%s: %v; want NotFound", what, err)
			}
		}
		if got := bodies(receive(t, q, 10)); got != "cb" {
			t.Errorf("received %q, want c and b", got)
		}
		if err := q.Withdraw(t.Context(), "none"); !driver.Is(err, driver.NotFound) {
			t.Errorf("unknown: %v; want NotFound", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := q.Withdraw(ended, sent[1].ID); !driver.Is(err, driver.Canceled) {
			t.Errorf("with an ended context: %v", err)
		}
		_ = q.Close(t.Context())
		if err := withdraw(1); !driver.Is(err, driver.Closed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestAReceiverThatWaitsIsWokenByADueMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, &mem.Options{Hold: time.Second})
		send(t, q, driver.Message{Body: []byte("a"), Delay: time.Hour})
		start := time.Now()
		for _, want := range []time.Duration{time.Hour, time.Hour + time.Second} {
			leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 5, Wait: 2 * time.Hour})
			if err != nil || len(leases) != 1 {
				t.Fatalf("receive: %v, %v", leases, err)
			}
			if got := time.Since(start); got != want {
				t.Errorf("received after %v, want %v", got, want)
			}
		}
	})
}

func TestHandlesOfTheSameNameShareAQueue(t *testing.T) {
	ctx := t.Context()
	openURL := func(url string) (driver.Queue, error) { return driver.Default.Open(ctx, url) }
	a, err := openURL("mem://shared-name?hold=5s")
	if err != nil {
		t.Fatal(err)
	}
	b, err := openURL("mem://shared-name?hold=5s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openURL("mem://shared-name?hold=6s"); !driver.Is(err, driver.InvalidArgument) {
		t.Errorf("open with other parameters: %v, want InvalidArgument", err)
	}
	send(t, a, driver.Message{Body: []byte("x")})
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if got := bodies(receive(t, b, 1)); got != "x" {
		t.Errorf("the other handle received %q, want x", got)
	}
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := openURL("mem://shared-name")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if s, _ := c.Stats(ctx); s.Leased+s.Ready != 0 {
		t.Errorf("after the last handle was closed the queue holds %+v", s)
	}
}

func TestClosingAHandleLeavesTheOtherReceiverWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a, err := driver.Default.Open(ctx, "mem://two-handles")
		if err != nil {
			t.Fatal(err)
		}
		b, err := driver.Default.Open(ctx, "mem://two-handles")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close(ctx)
		type answer struct {
			n   int
			err error
		}
		wait := func(q driver.Queue) chan answer {
			ch := make(chan answer, 1)
			go func() {
				leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: time.Hour})
				ch <- answer{len(leases), err}
			}()
			return ch
		}
		fromA, fromB := wait(a), wait(b)
		synctest.Wait()
		_ = a.Close(ctx)
		if got := <-fromA; !driver.Is(got.err, driver.Closed) {
			t.Errorf("receive on the closed handle: %v, want Closed", got.err)
		}
		send(t, b, driver.Message{Body: []byte("x")})
		if got := <-fromB; got.n != 1 || got.err != nil {
			t.Errorf("receive on the open handle: %+v", got)
		}
	})
}

func TestAGroupGoesOnAfterTheBackstop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, &mem.Options{Hold: time.Second, MaxReceives: 2, Ordered: true})
		send(t, q,
			driver.Message{Body: []byte("a"), GroupKey: "g"},
			driver.Message{Body: []byte("b"), GroupKey: "g"},
			driver.Message{Body: []byte("c")})
		if got := bodies(receive(t, q, 10)); got != "ac" {
			t.Fatalf("first %q, want ac", got)
		}
		time.Sleep(time.Second)
		if got := bodies(receive(t, q, 10)); got != "ac" {
			t.Fatalf("second %q, want ac", got)
		}
		time.Sleep(time.Second)
		if got := bodies(receive(t, q, 10)); got != "b" {
			t.Fatalf("third %q, want b", got)
		}
		dead := receive(t, q.DeadLetter(), 10)
		if got := bodies(dead); got != "ac" {
			t.Fatalf("dead %q, want ac", got)
		}
		if d := dead[0].Message().Death; d == nil || d.Reason != driver.ReasonBrokerLimit || d.Attempts != 2 {
			t.Errorf("death record %+v", d)
		}
	})
}

func TestWithGroupBatchesSeveralOfAGroupComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, &mem.Options{Hold: time.Minute, Ordered: true, GroupBatches: true})
		for _, body := range []string{"a", "b", "c", "d"} {
			send(t, q, driver.Message{Body: []byte(body), GroupKey: "g"})
		}
		send(t, q, driver.Message{Body: []byte("x")})
		got := receive(t, q, 3)
		if bodies(got) != "abc" {
			t.Fatalf("first %q, want abc", bodies(got))
		}
		q.Settle(t.Context(), []driver.Settlement{{Lease: got[1], Verdict: driver.Ack}, {Lease: got[2], Verdict: driver.Release}})
		if other := bodies(receive(t, q, 3)); other != "x" {
			t.Errorf("while a is leased %q comes, want x alone", other)
		}
		q.Settle(t.Context(), []driver.Settlement{{Lease: got[0], Verdict: driver.Release}})
		if again := bodies(receive(t, q, 3)); again != "acd" {
			t.Errorf("after the release %q, want acd", again)
		}
	})
}

func TestMoveAllKeepsItsRateAndStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, nil)
		for i := range 10 {
			send(t, q, driver.Message{Body: fmt.Append(nil, i)})
		}
		for _, l := range receive(t, q, 10) {
			settle(t, q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"})
		}
		start := time.Now()
		report, err := q.DeadLetter().MoveAll(t.Context(), driver.MoveOptions{Rate: 2})
		if err != nil || report.Moved != 10 || report.Total != 10 {
			t.Fatalf("moved %+v, %v", report, err)
		}
		if took := time.Since(start); took < 4500*time.Millisecond || took > 5*time.Second {
			t.Errorf("10 messages at 2 a second took %v", took)
		}
		if l := receive(t, q, 10); len(l) != 10 || l[0].Message().Death == nil || l[0].Attempt() != 1 {
			t.Errorf("%d moved messages came back, first %+v", len(l), l[0].Message().Death)
		}
	})
}

func TestOptionsOutOfRangeAreRefused(t *testing.T) {
	for _, o := range []mem.Options{
		{Hold: time.Millisecond}, {Hold: -time.Second}, {Hold: 13 * time.Hour},
		{MaxReceives: -1}, {MaxReceives: 1001}, {DedupWindow: time.Millisecond}, {DedupWindow: 25 * time.Hour},
	} {
		if _, err := mem.New("orders", &o); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%+v: %v, want InvalidArgument", o, err)
		}
	}
	for _, url := range []string{
		"mem://", "mem://a/b", "mem://a?hold=-3s", "mem://a?hold=9999h", "mem://a?hold=1", "mem://a?max_receives=0",
		"mem://a?ordered=yes", "mem://a?hold=1s&hold=2s", "mem://a?hols=1s",
	} {
		if q, err := driver.Default.Open(t.Context(), url); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%s: %v, %v, want InvalidArgument", url, q, err)
		}
	}
}

// The queue keeps nothing of the sender's map, and each receiver has its own.
func TestAttributesAreKeptApart(t *testing.T) {
	q := open(t, nil)
	attributes := map[string]string{"a": "1", "b": "2"}
	want := maps.Clone(attributes)
	send(t, q, driver.Message{Body: []byte("x"), Attributes: attributes}, driver.Message{Body: []byte("y"), Attributes: map[string]string{}})
	attributes["a"] = "changed"
	leases := receive(t, q, 2)
	leases[0].Message().Attributes["b"] = "changed"
	if got := leases[0].Message().Attributes; !maps.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
	if got := leases[1].Message().Attributes; len(got) != 0 {
		t.Errorf("received %v, want none", got)
	}
}
