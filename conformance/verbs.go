package conformance

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// The verbs here are those of a driver, with the promises that hold for every
// call: a result an item, and never more messages than asked for.

// trySend sends a batch. The ledger keeps what was taken.
func (t *T) trySend(q driver.Queue, batch ...driver.Message) []driver.SendResult {
	ctx, cancel := t.ctx(0)
	defer cancel()
	results := q.Send(ctx, batch)
	if len(results) != len(batch) {
		t.Fatalf("send: %d results for %d messages", len(results), len(batch))
	}
	for i, r := range results {
		if r.Err == nil {
			t.ledger.sent(batch[i])
		}
	}
	return results
}

// send sends messages, which must all be taken, and returns the broker's ids.
func (t *T) send(q driver.Queue, messages ...driver.Message) []string {
	ids := make([]string, 0, len(messages))
	for len(messages) > 0 {
		n := min(len(messages), t.caps.MaxSendBatch)
		for i, r := range t.trySend(q, messages[:n]...) {
			if r.Err != nil {
				t.Fatalf("send item %d: %v", i, r.Err)
			}
			if r.ID == "" {
				t.Errorf("send item %d: no id", i)
			}
			ids = append(ids, r.ID)
		}
		messages = messages[n:]
	}
	return ids
}

// receive makes one call.
func (t *T) receive(s driver.Source, o driver.ReceiveOptions) []driver.Lease {
	ctx, cancel := t.ctx(o.Wait)
	defer cancel()
	return t.receiveWith(ctx, s, o)
}

func (t *T) receiveWith(ctx context.Context, s driver.Source, o driver.ReceiveOptions) []driver.Lease {
	leases, err := s.Receive(ctx, o)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	if len(leases) > o.Max {
		t.Fatalf("receive: %d leases; want at most %d", len(leases), o.Max)
	}
	return leases
}

// poll leases up to n messages within a time, by as many calls as it takes.
func (t *T) poll(s driver.Source, n int, within time.Duration) []driver.Lease {
	return t.pollHold(s, n, within, 0)
}

func (t *T) pollHold(s driver.Source, n int, within, hold time.Duration) []driver.Lease {
	end := time.Now().Add(within)
	var all []driver.Lease
	for len(all) < n {
		left := max(0, time.Until(end))
		got := t.receive(s, driver.ReceiveOptions{Max: min(n-len(all), t.caps.MaxReceiveBatch), Wait: left, Hold: hold})
		all = append(all, got...)
		if len(got) > 0 {
			continue
		}
		if left = time.Until(end); left <= 0 {
			break
		}
		time.Sleep(min(left, t.hold/50)) // so that time passes on a queue that returns early
	}
	return all
}

// lease leases a message that is there.
func (t *T) lease(s driver.Source) driver.Lease { return t.leases(s, 1)[0] }

// leases leases n messages that are there.
func (t *T) leases(s driver.Source, n int) []driver.Lease {
	got := t.poll(s, n, t.grace+t.b.Late)
	if len(got) < n {
		t.Fatalf("%d messages to lease; want %d", len(got), n)
	}
	return got
}

// again leases the message that l held, which must come back within a time, and
// says when it did.
func (t *T) again(s driver.Source, l driver.Lease, within time.Duration) (driver.Lease, time.Time) {
	most := within + t.b.Margin + t.grace + t.b.Late
	got := t.poll(s, 1, most)
	if len(got) == 0 {
		t.Fatalf("the message did not come back within %v", most)
	}
	if a, b := idOf(got[0].Message().Body), idOf(l.Message().Body); a != b {
		t.Fatalf("message %s came; want %s", a, b)
	}
	return got[0], time.Now()
}

// hidden asserts that nothing can be leased for a time.
func (t *T) hidden(what string, s driver.Source, d time.Duration) {
	start := time.Now()
	if got := t.poll(s, 1, max(0, d)); len(got) > 0 {
		t.Fatalf("%s: message %s was delivered after %v, attempt %d; want none for %v",
			what, idOf(got[0].Message().Body), time.Since(start), got[0].Attempt(), d)
	}
}

// hiddenUntil asserts that nothing can be leased until shortly before a time.
func (t *T) hiddenUntil(what string, s driver.Source, end time.Time) {
	t.hidden(what, s, time.Until(end)-t.grace)
}

func (t *T) extend(s driver.Source, hold time.Duration, leases ...driver.Lease) []driver.ExtendResult {
	ctx, cancel := t.ctx(0)
	defer cancel()
	results := s.Extend(ctx, leases, hold)
	if len(results) != len(leases) {
		t.Fatalf("extend: %d results for %d leases", len(results), len(leases))
	}
	return results
}

// extended extends one lease, which must work, and returns its new end.
func (t *T) extended(s driver.Source, l driver.Lease, hold time.Duration) time.Time {
	r := t.extend(s, hold, l)[0]
	if r.Err != nil {
		t.Fatalf("extend: %v", r.Err)
	}
	return r.Expires
}

// settle settles a batch. The ledger keeps what was acked.
func (t *T) settle(s driver.Source, batch ...driver.Settlement) []error {
	ctx, cancel := t.ctx(0)
	defer cancel()
	errs := s.Settle(ctx, batch)
	if len(errs) != len(batch) {
		t.Fatalf("settle: %d results for %d settlements", len(errs), len(batch))
	}
	for i, v := range batch {
		if errs[i] == nil && v.Verdict == driver.Ack && v.Lease != nil {
			t.ledger.processed(v.Lease.Message())
		}
	}
	return errs
}

// settled settles one lease, which must work.
func (t *T) settled(s driver.Source, v driver.Settlement) {
	if err := t.settle(s, v)[0]; err != nil {
		t.Fatalf("%v: %v", v.Verdict, err)
	}
}

func (t *T) ack(s driver.Source, leases ...driver.Lease) {
	for _, l := range leases {
		t.settled(s, driver.Settlement{Lease: l, Verdict: driver.Ack})
	}
}

func (t *T) release(s driver.Source, l driver.Lease, delay time.Duration) {
	t.settled(s, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: delay})
}

// testReason is the reason of a bury where the reason does not matter.
const testReason = "conformance"

func (t *T) bury(q driver.Queue, leases ...driver.Lease) {
	for _, l := range leases {
		t.settled(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason})
	}
}

func (t *T) redrive(d driver.DeadLetter, leases ...driver.Lease) {
	for _, l := range leases {
		t.settled(d, driver.Settlement{Lease: l, Verdict: driver.Redrive})
	}
}

// sendDead sends messages and buries them.
func (t *T) sendDead(q driver.Queue, messages ...driver.Message) {
	t.send(q, messages...)
	t.bury(q, t.leases(q, len(messages))...)
}

// refuse asserts that a settlement is refused with a code and that the lease
// still holds.
func (t *T) refuse(what string, s driver.Source, v driver.Settlement, want driver.Code) {
	t.code(what, t.settle(s, v)[0], want)
	t.intact(what, s, v.Lease)
}

// intact asserts that a lease still holds: nobody else gets its message, and it
// can be extended.
func (t *T) intact(what string, s driver.Source, l driver.Lease) {
	t.hidden(what, s, 0)
	if r := t.extend(s, 0, l)[0]; r.Err != nil {
		t.Errorf("%s: then extend: %v; want the lease untouched", what, r.Err)
	}
}

// attempt asserts a lease's attempt, as far as the broker counts.
func (t *T) attempt(l driver.Lease, want int) {
	got := l.Attempt()
	if t.caps.ExactAttempts.Level == driver.LevelNative && got != want {
		t.Errorf("attempt %d; want %d", got, want)
	}
	if got < 0 {
		t.Errorf("attempt %d is negative", got)
	}
}
