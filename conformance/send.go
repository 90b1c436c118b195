package conformance

import (
	"bytes"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var sendChecks = []Check{
	{Name: "send-and-receive", Doc: "What is sent comes out once, as it was, with the id that the send answered.", run: sendAndReceive},
	{Name: "send-order-of-results", Doc: "Send answers one result a message, in the order of the messages.", run: sendOrderOfResults},
	{Name: "send-one-bad-item", Doc: "One bad message in a batch fails alone.", run: sendOneBadItem},
	{Name: "send-over-batch", Doc: "A batch over the limit is InvalidArgument in every slot, and nothing of it is sent.", run: sendOverBatch},
	{Name: "send-large-batch", Doc: "A batch is taken whatever its bytes add up to.", run: sendLargeBatch},
	{Name: "send-empty-batch", Doc: "An empty batch has no results and no effect.", run: sendEmptyBatch},
	{Name: "send-keeps-nothing", Doc: "A caller may reuse its body and attributes as soon as Send has returned.", run: sendKeepsNothing},
	{Name: "send-after-refusal", Doc: "A refused message is not stored.", run: sendAfterRefusal},
}

func sendAndReceive(t *T) {
	q := t.open()
	m := t.full()
	start := time.Now()

	id := t.send(q, m)[0]
	l := t.lease(q)

	got, now := l.Message(), time.Now()
	t.same("received", got, m)
	t.carries("received", got.Carry, m.Carry)
	t.attempt(l, 1)
	if got.ID != id {
		t.Errorf("id %q; want %q, which the send answered", got.ID, id)
	}
	if got.Death != nil {
		t.Errorf("death %v; want none", got.Death)
	}
	if !got.SentAt.IsZero() && (got.SentAt.Before(start.Add(-t.clock())) || got.SentAt.After(now.Add(t.clock()))) {
		t.Errorf("sent at %v; want from %v to %v", got.SentAt, start, now)
	}
	if l.Received().Before(start) || l.Received().After(now) {
		t.Errorf("received at %v; want from %v to %v", l.Received(), start, now)
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

// clock is how far apart the clocks of broker and machine may be.
func (t *T) clock() time.Duration {
	if t.b.Virtual {
		return time.Millisecond // the grain in which brokers tell times
	}
	return 5*time.Second + t.b.Margin
}

func sendOrderOfResults(t *T) {
	q := t.open()
	n := min(10, t.caps.MaxSendBatch)
	batch := t.messages(n)
	want := make(map[string]string) // broker id to id
	for i, r := range t.trySend(q, batch...) {
		if r.Err != nil {
			t.Fatalf("send item %d: %v", i, r.Err)
		}
		if _, dup := want[r.ID]; dup || r.ID == "" {
			t.Errorf("send item %d: id %q is empty or was answered before", i, r.ID)
		}
		want[r.ID] = idOf(batch[i].Body)
	}
	for _, l := range t.leases(q, n) {
		if m := l.Message(); want[m.ID] != idOf(m.Body) {
			t.Errorf("message %s has id %q, which the send answered for %q", idOf(m.Body), m.ID, want[m.ID])
		}
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: n})
}

func sendOneBadItem(t *T) {
	q := t.open()
	empty, oversize := driver.Message{}, t.messageWith(make([]byte, t.caps.MaxBody))
	bad := map[int]driver.Message{1: empty, 3: oversize}
	want := map[int]driver.Code{1: driver.InvalidArgument, 3: driver.TooLarge}
	batch := t.messages(minBatch)
	live := len(batch)
	for i := range batch {
		if m, ok := bad[i]; ok {
			batch[i] = m
			live--
		}
	}
	for i, r := range t.trySend(q, batch...) {
		if code, ok := want[i]; ok {
			t.code("send a bad item", r.Err, code)
		} else if r.Err != nil {
			t.Errorf("send item %d, a good one: %v", i, r.Err)
		}
	}
	t.audit(q, tally{Live: live})
}

func sendOverBatch(t *T) {
	q := t.open()
	for _, r := range t.trySend(q, t.messages(t.caps.MaxSendBatch+1)...) {
		t.code("send in a batch over the limit", r.Err, driver.InvalidArgument)
	}
	t.send(q, t.messages(t.caps.MaxSendBatch)...)
	got := t.poll(q, t.caps.MaxSendBatch+1, t.grace)
	if len(got) != t.caps.MaxSendBatch {
		t.Errorf("%d messages; want the %d of the full batch", len(got), t.caps.MaxSendBatch)
	}
	t.ackAll(q, got)
	t.audit(q, tally{Processed: t.caps.MaxSendBatch})
}

// ackAll acks leases in batches.
func (t *T) ackAll(s driver.Source, leases []driver.Lease) {
	for len(leases) > 0 {
		n := min(len(leases), t.caps.MaxSettleBatch)
		batch := make([]driver.Settlement, n)
		for i, l := range leases[:n] {
			batch[i] = driver.Settlement{Lease: l, Verdict: driver.Ack}
		}
		for i, err := range t.settle(s, batch...) {
			if err != nil {
				t.Errorf("ack item %d: %v", i, err)
			}
		}
		leases = leases[n:]
	}
}

func sendLargeBatch(t *T) {
	q := t.open()
	n := min(10, t.caps.MaxSendBatch)
	batch := make([]driver.Message, n)
	want := make(map[string]driver.Message)
	for i := range batch {
		batch[i] = t.messageWith(bytes.Repeat([]byte{'a' + byte(i)}, t.caps.MaxBody/2))
		want[idOf(batch[i].Body)] = batch[i]
	}
	for i, r := range t.trySend(q, batch...) {
		if r.Err != nil {
			t.Errorf("send item %d of a large batch: %v", i, r.Err)
		}
	}
	for _, l := range t.leases(q, n) {
		t.same("received", l.Message(), want[idOf(l.Message().Body)])
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: n})
}

func sendEmptyBatch(t *T) {
	q := t.open()
	t.trySend(q)
	for _, s := range []driver.Source{q, q.DeadLetter()} {
		t.extend(s, 0)
		t.settle(s)
	}
	t.audit(q, tally{})
}

func sendKeepsNothing(t *T) {
	q := t.open()
	m := t.messageWith([]byte("original"))
	want := t.messageWith(nil)
	want.Body = append([]byte(nil), m.Body...)
	if t.caps.MaxAttributes > 0 {
		m.Attributes = map[string]string{"name": "original"}
		want.Attributes = map[string]string{"name": "original"}
	}
	death := &driver.Death{Reason: testReason, At: time.Now().Truncate(time.Millisecond)}
	m.Death = death

	t.send(q, m)
	for i := range m.Body {
		m.Body[i] = '!'
	}
	for name := range m.Attributes {
		m.Attributes[name] = "reused"
	}
	death.Reason = "reused"

	l := t.lease(q)
	t.same("received", l.Message(), want)
	if d := l.Message().Death; d == nil || d.Reason != testReason {
		t.Errorf("death %+v; want the reason %q", d, testReason)
	}
	t.ack(q, l)
}

func sendAfterRefusal(t *T) {
	q := t.open()
	for _, r := range t.trySend(q, t.messageWith(make([]byte, t.caps.MaxBody))) {
		t.code("send an oversize message", r.Err, driver.TooLarge)
	}
	t.audit(q, tally{})
}
