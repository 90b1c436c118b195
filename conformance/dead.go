package conformance

import (
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var deadChecks = []Check{
	{Name: "bury-keeps", Doc: "Bury keeps body, attributes, keys and carry, and writes reason, detail, attempts, time and queue.", run: buryKeeps},
	{Name: "bury-carry", Doc: "Bury replaces what the message carries by the settlement's, and without one keeps it.", run: buryCarry},
	{Name: "bury-detail", Doc: "Bury takes any detail: long ones are cut with a mark, what is not text is replaced.", run: buryDetail},
	{Name: "bury-reason", Doc: "Bury without a reason, or with one that is no token, is InvalidArgument and leaves the lease as it is.", run: buryReason},
	{Name: "bury-wrong-side", Doc: "Bury on the dead letter and redrive on the queue are InvalidArgument and leave the lease as it is.", run: buryWrongSide},
	{Name: "bury-cut-off", Doc: "A worker cut off in the middle of a bury loses nothing.", run: buryCutOff},
	{Name: "broker-limit", Doc: "What crashes every worker is dead-lettered by the broker, as it was, with reason broker-limit; never lost, never leased for ever.", run: brokerLimit},
	{Name: "broker-limit-wakes", Doc: "What the broker gives up comes to a receiver that waits at the dead letter.", run: brokerLimitWakes},
	{Name: "dead-lease", Doc: "A dead letter is leased, hidden, released, acked and lapses back like any message, however often.", run: deadLease},
	{Name: "dead-extend", Doc: "A lease of a dead letter is extended for longer than three holds.", run: deadExtend},
	{Name: "no-dead-letter", Doc: "Without a dead letter each of its methods and Bury answer NotFound, and the lease is as it was.", run: noDeadLetter},
	{Name: "no-dead-letter-keeps", Doc: "Without a dead letter the broker keeps a message for however many deliveries.", run: noDeadLetterKeeps},
}

func buryKeeps(t *T) {
	q := t.open()
	m := t.full()
	t.send(q, m)
	l := t.lease(q)
	start := time.Now()
	t.settled(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "no-such-user", Detail: "user 7 \u00e9 <gone>"})
	d := t.lease(q.DeadLetter())
	t.same("dead", d.Message(), m)
	t.carries("dead", d.Message().Carry, m.Carry)
	death := d.Message().Death
	if death == nil {
		t.Fatalf("the dead letter has no death record")
	}
	if death.Reason != "no-such-user" || death.Detail != "user 7 \u00e9 <gone>" {
		t.Errorf("death %q, %q; want what was given", death.Reason, death.Detail)
	}
	if want := m.Carry.Attempts + l.Attempt(); death.Attempts != want {
		t.Errorf("death after %d attempts; want %d", death.Attempts, want)
	}
	if death.At.Before(start.Add(-t.clock())) || death.At.After(time.Now().Add(t.clock())) {
		t.Errorf("death at %v; want about %v", death.At, start)
	}
	if death.Queue == "" {
		t.Errorf("the death record names no queue")
	}
	t.ack(q.DeadLetter(), d)
	t.audit(q, tally{Processed: 1})
}

func buryCarry(t *T) {
	q := t.open()
	m := t.full()
	t.send(q, m)
	carry := driver.Carry{Attempts: 7, Hops: 1, FirstError: "the first"}
	l := t.lease(q)
	t.settled(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason, Carry: &carry})
	d := t.lease(q.DeadLetter())
	t.carries("dead with another carry", d.Message().Carry, carry)
	if death := d.Message().Death; death == nil || death.Attempts != carry.Attempts+l.Attempt() {
		t.Errorf("death %+v; want %d attempts", death, carry.Attempts+l.Attempt())
	}
	t.same("dead", d.Message(), m)
	t.ack(q.DeadLetter(), d)

	bad := driver.Carry{Hops: -1}
	t.send(q, t.message())
	l = t.lease(q)
	t.refuse("a bury with a carry that cannot be encoded", q,
		driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason, Carry: &bad}, driver.InvalidArgument)
	t.ack(q, l)
	t.audit(q, tally{Processed: 2})
}

// cutMark ends a text that was cut.
var cutMark = strings.TrimLeft(driver.CutText(strings.Repeat("x", 100), 50), "x")

func buryDetail(t *T) {
	q := t.open()
	details := []string{"", strings.Repeat("long \u6f22 ", 2000), "not text: \x00 \xff \x1b[31m", strings.Repeat("\"\\<>&", 400)}
	for _, detail := range details {
		t.send(q, t.message())
		t.settled(q, driver.Settlement{Lease: t.lease(q), Verdict: driver.Bury, Reason: testReason, Detail: detail})
		d := t.lease(q.DeadLetter())
		death := d.Message().Death
		if death == nil {
			t.Fatalf("no death record with detail %.20q", detail)
		}
		got := death.Detail
		if len(got) > driver.MaxDetail || !driver.IsText(got) {
			t.Errorf("detail of %d bytes, text %v; want text of at most %d", len(got), driver.IsText(got), driver.MaxDetail)
		}
		if n := min(len(detail), 10); got[:min(n, len(got))] != detail[:n] {
			t.Errorf("detail begins %.10q; want %.10q", got, detail)
		}
		if len(detail) > driver.MaxDetail && !strings.HasSuffix(got, cutMark) {
			t.Errorf("detail ends %q; want the mark of a cut", got[max(0, len(got)-12):])
		}
		t.ack(q.DeadLetter(), d)
	}
	t.audit(q, tally{Processed: len(details)})
}

func buryReason(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	for _, reason := range []string{"", "Upper", "two words", "caf\u00e9", strings.Repeat("r", driver.MaxReason+1)} {
		t.refuse("a bury with reason "+reason, q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: reason}, driver.InvalidArgument)
	}
	t.settled(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: strings.Repeat("r", driver.MaxReason)})
	t.audit(q, tally{Dead: 1})
}

func buryWrongSide(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	live, dead := t.lease(q), t.lease(q.DeadLetter())
	t.refuse("bury on the dead letter", q.DeadLetter(), driver.Settlement{Lease: dead, Verdict: driver.Bury, Reason: testReason}, driver.InvalidArgument)
	t.refuse("redrive on the queue", q, driver.Settlement{Lease: live, Verdict: driver.Redrive}, driver.InvalidArgument)
	t.ack(q, live)
	t.audit(q, tally{Processed: 1, Dead: 1})
}

func buryCutOff(t *T) {
	if len(t.b.Interrupts) == 0 {
		t.absent("no fault hook")
	}
	for _, cut := range t.b.Interrupts {
		q := t.open()
		t.send(q, t.full())
		l := t.lease(q)
		if err := t.settle(cut.Arm(q), driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason})[0]; err == nil {
			t.Errorf("%s: the bury was not cut off", cut.Name)
		}
		t.survives(q, t.caps.AtomicBury)
	}
}

// survives asserts that what was sent is still on the queue or in the dead
// letter once leases have ended: once where moves are in one step, else at
// least once.
func (t *T) survives(q driver.Queue, atomic driver.Support) {
	live := t.drain(q, 2*t.hold+t.grace)
	dead := t.drain(q.DeadLetter(), t.grace)
	t.balance(live, dead, tally{Live: len(live), Dead: len(dead), Copies: atomic.Level != driver.LevelNative})
	t.ledger.init()
}

func brokerLimit(t *T) {
	o := Options{}
	most := 0
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = max(3, t.caps.MinAttempts)
		most = o.MaxAttempts
	}
	q := t.openWith(o)
	if most == 0 {
		ctx, cancel := t.ctx(0)
		p, err := q.Policy(ctx)
		cancel()
		if err != nil || p.MaxAttempts == 0 {
			t.Fatalf("policy: %v, %d attempts; want the broker's limit", err, p.MaxAttempts)
		}
		most = p.MaxAttempts
	}
	// A worker that crashes lets its leases lapse; one that drains releases.
	for _, release := range []bool{false, true} {
		m := t.full()
		t.send(q, m)
		var last driver.Lease
		deliveries := 0
		for ; deliveries <= 3*most+10; deliveries++ {
			got := t.poll(q, 1, 2*t.hold+t.b.Margin)
			if len(got) == 0 {
				break
			}
			last = got[0]
			if release {
				t.release(q, last, 0)
			}
		}
		if deliveries > 3*most+10 {
			t.Fatalf("the message came %d times; want the broker to give up after %d", deliveries, most)
		}
		if t.caps.ExactAttempts.Level == driver.LevelNative && deliveries != most {
			t.Errorf("the message came %d times; want %d", deliveries, most)
		}
		d := t.lease(q.DeadLetter())
		t.same("dead", d.Message(), m)
		t.carries("dead", d.Message().Carry, m.Carry)
		switch death := d.Message().Death; {
		case death == nil:
			t.Errorf("no death record")
		case death.Reason != driver.ReasonBrokerLimit:
			t.Errorf("death %q; want %q", death.Reason, driver.ReasonBrokerLimit)
		case death.Attempts != 0 && t.caps.ExactAttempts.Level == driver.LevelNative && death.Attempts != m.Carry.Attempts+most:
			t.Errorf("death after %d attempts; want %d", death.Attempts, m.Carry.Attempts+most)
		}
		t.ack(q.DeadLetter(), d)
	}
	t.audit(q, tally{Processed: 2})
}

func brokerLimitWakes(t *T) {
	o := Options{MaxAttempts: max(2, t.caps.MinAttempts)}
	q := t.openWith(o)
	d := q.DeadLetter()
	t.send(q, t.message())
	for range o.MaxAttempts - 1 {
		t.release(q, t.lease(q), 0)
	}
	t.lease(q) // the last, which lapses
	got := make(chan time.Time, 1)
	t.run(func() {
		defer close(got)
		if ls := t.receive(d, driver.ReceiveOptions{Max: 1, Wait: 4 * t.hold}); len(ls) > 0 {
			got <- time.Now()
			t.ack(d, ls...)
		}
	})
	start := time.Now()
	t.hidden("a message that the broker gave up", q, 2*t.hold) // some brokers notice when somebody looks
	at, ok := <-got
	if !ok {
		t.Fatalf("what the broker gave up did not come to a receiver at the dead letter within %v", time.Since(start))
	}
	t.within("what the broker gave up came", at.Sub(start), 0, 2*t.hold+t.grace)
	t.audit(q, tally{Processed: 1})
}

func deadLease(t *T) {
	o := Options{}
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = max(3, t.caps.MinAttempts)
	}
	q := t.openWith(o)
	d := q.DeadLetter()
	m := t.full()
	t.sendDead(q, m)
	l := t.lease(d)
	for n := range o.MaxAttempts + 2 {
		t.hiddenUntil("a leased dead letter", d, l.Expires())
		within := t.hold
		if n%2 == 0 {
			t.release(d, l, 0)
			within = 0
		}
		next, at := t.again(d, l, within)
		if n%2 != 0 && at.Before(l.Expires()) {
			t.Errorf("a dead letter came back %v before its lease ended", l.Expires().Sub(at))
		}
		l = next
	}
	t.same("dead", l.Message(), m)
	if l.Message().Death == nil {
		t.Errorf("the dead letter has lost its death record")
	}
	t.ack(d, l)
	t.audit(q, tally{Processed: 1})
}

func deadExtend(t *T) {
	q := t.open()
	d := q.DeadLetter()
	t.sendDead(q, t.message())
	l := t.lease(d)
	for start := time.Now(); time.Since(start) < 3*t.hold+t.hold/2; {
		t.hidden("an extended dead letter", d, t.hold/2)
		t.extended(d, l, 0)
	}
	t.ack(d, l)
	t.audit(q, tally{Processed: 1})
}

func noDeadLetterKeeps(t *T) {
	o := Options{NoDeadLetter: true}
	deliveries := 20
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = max(3, t.caps.MinAttempts)
		deliveries = o.MaxAttempts + 2
	}
	q := t.openWith(o)
	m := t.full()
	t.send(q, m)
	for n := range deliveries {
		l := t.lease(q)
		t.attempt(l, n+1)
		t.same("delivered again", l.Message(), m)
		t.release(q, l, 0)
	}
	t.auditLive(q, tally{Live: 1})
}

func noDeadLetter(t *T) {
	q := t.openWith(Options{NoDeadLetter: true})
	d := q.DeadLetter()
	if d == nil {
		t.Fatalf("DeadLetter is nil")
	}
	t.send(q, t.message())
	l := t.lease(q)
	ctx, cancel := t.ctx(0)
	defer cancel()
	_, err := d.Receive(ctx, driver.ReceiveOptions{Max: 1})
	t.code("receive", err, driver.NotFound)
	t.code("extend", t.extend(d, 0, l)[0].Err, driver.NotFound)
	t.code("settle", d.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0], driver.NotFound)
	_, err = d.MoveAll(ctx, driver.MoveOptions{})
	t.code("move all", err, driver.NotFound)
	t.refuse("bury", q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason}, driver.NotFound)
	t.ack(q, l)
	t.auditLive(q, tally{Processed: 1})
}
