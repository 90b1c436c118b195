package conformance

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var errorChecks = []Check{
	{Name: "closed", Doc: "After Close every call on the queue and its dead letter answers Closed, in every slot.", run: closed},
	{Name: "close-twice", Doc: "A second Close answers nil.", run: closeTwice},
	{Name: "close-ends-calls", Doc: "When Close has returned no call is in flight any more, and none of them lost a message.", run: closeEndsCalls},
	{Name: "close-ends-move-all", Doc: "When Close has returned MoveAll is not in flight any more; or it is Unsupported.", run: closeEndsMoveAll},
	{Name: "cancelled", Doc: "With a cancelled context every call answers Canceled, in every slot.", run: cancelled},
	{Name: "deadline", Doc: "With a deadline that has passed every call answers DeadlineExceeded, in every slot.", run: deadline},
}

// everyCall makes every call with ctx and asserts the code of its error. The
// leases are of the queue and of its dead letter.
func (t *T) everyCall(ctx context.Context, q driver.Queue, live, dead driver.Lease, want driver.Code) {
	d := q.DeadLetter()
	results := q.Send(ctx, t.messages(2))
	if len(results) != 2 {
		t.Fatalf("send: %d results for 2 messages", len(results))
	}
	for _, r := range results {
		t.code("send", r.Err, want)
	}
	for name, at := range map[string]struct {
		s driver.Source
		l driver.Lease
	}{"queue": {q, live}, "dead letter": {d, dead}} {
		got, err := at.s.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: t.hold})
		t.code(name+": receive", err, want)
		if len(got) > 0 {
			t.Errorf("%s: receive answered an error and %d leases", name, len(got))
		}
		extended := at.s.Extend(ctx, []driver.Lease{at.l, at.l}, 0)
		settled := at.s.Settle(ctx, []driver.Settlement{{Lease: at.l, Verdict: driver.Release}, {Lease: at.l, Verdict: driver.Release}})
		if len(extended) != 2 || len(settled) != 2 {
			t.Fatalf("%s: %d and %d results for 2 leases", name, len(extended), len(settled))
		}
		for i := range 2 {
			t.code(name+": extend", extended[i].Err, want)
			t.code(name+": settle", settled[i], want)
		}
	}
	_, err := q.Policy(ctx)
	t.code("policy", err, want)
	if _, err = q.Stats(ctx); t.caps.Depth.Supported() || want == driver.Closed {
		t.code("stats", err, want)
	}
	if t.b.MovesAll || want == driver.Closed {
		_, err = d.MoveAll(ctx, driver.MoveOptions{})
		t.code("move all", err, want)
	}
}

// occupied is a queue with a lease of its own and one of its dead letter.
func (t *T) occupied() (q driver.Queue, live, dead driver.Lease) {
	q = t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	return q, t.lease(q), t.lease(q.DeadLetter())
}

func closed(t *T) {
	q, live, dead := t.occupied()
	ctx, cancel := t.ctx(0)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Fatalf("close: %v", err)
	}
	t.everyCall(ctx, q, live, dead, driver.Closed)
}

func closeTwice(t *T) {
	q := t.open()
	for range 2 {
		ctx, cancel := t.ctx(0)
		if err := q.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		cancel()
	}
}

func closeEndsCalls(t *T) {
	q := t.open()
	ended := make(chan time.Time, 2)
	for _, s := range sources(q) {
		t.run(func() {
			ctx, cancel := t.ctx(t.hold)
			defer cancel()
			start := time.Now()
			_, err := s.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: 5 * t.hold})
			if err != nil {
				t.code("a receive in flight at Close", err, driver.Closed)
			} else {
				t.within("a receive in flight at Close answered (nil, nil)", time.Since(start), 5*t.hold, 5*t.hold)
			}
			ended <- time.Now()
		})
	}
	time.Sleep(t.hold / 10)
	t.closes(q, ended, 2)
}

// closes closes q, and asserts that n calls in flight have ended by then. They
// tell when they did.
func (t *T) closes(q driver.Queue, ended <-chan time.Time, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), t.hold)
	defer cancel()
	start := time.Now()
	err := q.Close(ctx)
	closed := time.Now()
	if err != nil {
		t.proper("close", err)
	}
	t.within("close returned", closed.Sub(start), 0, t.hold)
	for range n {
		at := <-ended
		if err == nil {
			t.within("after Close returned a call in flight ended", max(0, at.Sub(closed)), 0, 0)
		}
	}
}

func closeEndsMoveAll(t *T) {
	q := t.open()
	const n = 10
	t.sendDead(q, t.messages(n)...)
	ended := make(chan time.Time, 1)
	t.run(func() {
		ctx, cancel := t.ctx(0)
		defer cancel()
		_, err := q.DeadLetter().MoveAll(ctx, driver.MoveOptions{Rate: 1})
		switch {
		case !t.b.MovesAll:
			t.code("move all", err, driver.Unsupported)
			t.refused()
		case err != nil:
			t.code("a move in flight at Close", err, driver.Closed)
		}
		ended <- time.Now()
	})
	time.Sleep(time.Second + t.b.Margin + time.Second/2) // between two messages
	t.closes(q, ended, 1)
}

func cancelled(t *T) {
	q, live, dead := t.occupied()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.everyCall(ctx, q, live, dead, driver.Canceled)
}

func deadline(t *T) {
	q, live, dead := t.occupied()
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	t.everyCall(ctx, q, live, dead, driver.DeadlineExceeded)
}
