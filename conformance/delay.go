package conformance

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var delayChecks = []Check{
	{Name: "send-delay", Doc: "A message sent with a delay comes when it is over, never before; or the delay is refused as Unsupported.", run: sendDelay},
	{Name: "send-delay-limit", Doc: "A delay that is negative or over MaxSendDelay is InvalidArgument; the longest is kept.", run: sendDelayLimit},
	{Name: "withdraw", Doc: "Withdraw takes back a delayed message that is not due, that one alone, and is NotFound for others; or the queue has none, or it is Unsupported.", run: withdraw},
	{Name: "hop", Doc: "A copy sent on with a delay in place of the received message comes once, never early, and carries what it was given.", run: hop},
}

func sendDelay(t *T) {
	q := t.open()
	m := t.message()
	m.Delay = t.hold
	if !t.caps.SendDelay.Supported() {
		t.rejects("a delay", q, m, driver.Unsupported)
		t.audit(q, tally{})
		t.refused()
		return
	}
	soon := t.message()
	start := time.Now()
	t.send(q, m, soon) // the second is not held up
	l := t.lease(q)
	if idOf(l.Message().Body) != idOf(soon.Body) {
		t.Fatalf("message %s came first; want the one without a delay", idOf(l.Message().Body))
	}
	t.ack(q, l)
	got := t.poll(q, 1, time.Until(start.Add(m.Delay))+t.b.Margin+t.grace)
	if len(got) != 1 {
		t.Fatalf("the delayed message did not come")
	}
	t.within("the delayed message came", time.Since(start), m.Delay, m.Delay)
	t.same("delayed", got[0].Message(), m)
	t.attempt(got[0], 1)
	t.ack(q, got...)
	t.delaysApart(q)
	t.audit(q, tally{Processed: 5})
}

// delaysApart asserts that messages with several delays come each at its time.
func (t *T) delaysApart(q driver.Queue) {
	due := make(map[string]time.Duration)
	batch := t.messages(3)
	for i := range batch {
		batch[i].Delay = t.hold / 2 * time.Duration([]int{2, 3, 1}[i])
		due[idOf(batch[i].Body)] = batch[i].Delay
	}
	start := time.Now()
	t.send(q, batch...)
	for range batch {
		got := t.poll(q, 1, t.hold/2+t.b.Margin+t.grace)
		if len(got) != 1 {
			t.Fatalf("a delayed message did not come")
		}
		delay := due[idOf(got[0].Message().Body)]
		t.within("the delayed message came", time.Since(start), delay, delay)
		t.ack(q, got...)
	}
}

func sendDelayLimit(t *T) {
	q := t.open()
	m := t.message()
	m.Delay = -1
	t.rejects("a negative delay", q, m, driver.InvalidArgument)
	if !t.caps.SendDelay.Supported() {
		t.audit(q, tally{})
		t.refused()
		return
	}
	m.Delay = t.caps.MaxSendDelay + max(t.caps.HoldGrain, 1)
	t.rejects("a delay over the limit", q, m, driver.InvalidArgument)
	if !t.b.Virtual {
		return // the longest takes too long
	}
	m.Delay = t.caps.MaxSendDelay
	start := time.Now()
	t.send(q, m)
	t.hiddenUntil("a message with the longest delay", q, start.Add(m.Delay))
	l, _ := t.again(q, foreign{m}, t.grace)
	t.within("the message with the longest delay came", time.Since(start), m.Delay, m.Delay)
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func withdraw(t *T) {
	q := t.open()
	now := t.message()
	id := t.send(q, now)[0]
	w, ok := q.(driver.Withdrawer)
	if !ok {
		t.withdrawsNothing(q)
		return
	}
	take := func(id string) error {
		ctx, cancel := t.ctx(0)
		defer cancel()
		return w.Withdraw(ctx, id)
	}
	err := take(id)
	if driver.Is(err, driver.Unsupported) {
		t.withdrawsNothing(q)
		return
	}
	t.code("withdraw of a message without a delay", err, driver.NotFound)
	if !t.caps.SendDelay.Supported() {
		t.withdrawsNothing(q)
		return
	}
	batch := t.messages(3)
	for i := range batch {
		batch[i].Delay = t.hold
	}
	start := time.Now()
	ids := t.send(q, batch...)
	if err := take(ids[1]); err != nil {
		t.Errorf("withdraw of a delayed message: %v", err)
	}
	t.ledger.dropped(batch[1])
	t.code("a second withdraw", take(ids[1]), driver.NotFound)
	t.ack(q, t.lease(q)) // the one without a delay
	got := t.poll(q, 1, time.Until(start.Add(t.hold))+t.b.Margin+t.grace)
	if len(got) != 1 {
		t.Fatalf("the neighbour of a withdrawn message did not come")
	}
	for _, i := range []int{0, 2} { // one is leased, one may be visible
		t.code("withdraw of a message that is due", take(ids[i]), driver.NotFound)
	}
	t.ack(q, got...)
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 3})
}

// withdrawsNothing ends the check where a message cannot be taken back: the one
// that was sent is still there.
func (t *T) withdrawsNothing(q driver.Queue) {
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 1})
	t.refused()
}

func hop(t *T) {
	q := t.open()
	m := t.full()
	if t.caps.Dedup.Supported() {
		m.DedupKey = "hop-1"
	}
	t.send(q, m)
	l := t.lease(q)
	c := driver.CopyOf(l.Message())
	c.Carry.Hops++
	c.Carry.NotBefore = time.Now().Add(t.hold).Truncate(time.Millisecond)
	if t.caps.SendDelay.Supported() {
		c.Delay = min(t.hold, t.caps.MaxSendDelay)
	}
	start := time.Now()
	if r := t.trySend(q, c)[0]; r.Err != nil {
		t.Fatalf("send of the copy: %v", r.Err)
	}
	t.ledger.dropped(m) // the copy stands for it
	id := l.Message().ID
	ctx, cancel := t.ctx(0)
	defer cancel()
	if err := q.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0]; err != nil {
		t.Fatalf("ack of the original: %v", err)
	}
	got := t.poll(q, 1, c.Delay+t.b.Margin+t.grace)
	if len(got) != 1 {
		t.Fatalf("the copy did not come")
	}
	t.within("the copy came", time.Since(start), c.Delay, c.Delay)
	t.same("copy", got[0].Message(), m)
	t.carries("copy", got[0].Message().Carry, c.Carry)
	t.attempt(got[0], 1)
	if got[0].Message().ID == id {
		t.Errorf("the copy has the id of the original")
	}
	t.ack(q, got...)
	t.audit(q, tally{Processed: 1})
}
