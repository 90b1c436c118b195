package conformance

import (
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var staleChecks = []Check{
	{Name: "late-ack", Doc: "An ack on a lease that lapsed and went to another holder answers LeaseLost, or does that holder no harm.", run: lateAck},
	{Name: "late-extend", Doc: "An extend on a lease that lapsed and went to another holder answers LeaseLost and does not move that holder's end.", run: lateExtend},
	{Name: "late-release", Doc: "A release of a lease that lapsed and went to another holder answers LeaseLost, or does that holder no harm.", run: lateRelease},
	{Name: "late-bury", Doc: "A bury of a lease that lapsed and went to another holder answers LeaseLost, or does that holder no harm.", run: lateBury},
	{Name: "late-on-dead-letter", Doc: "Settling or extending a lapsed lease of the dead letter answers LeaseLost, or does the new holder no harm.", run: lateOnDeadLetter},
	{Name: "past-the-local-end", Doc: "Past its end by the local clock Extend answers LeaseLost, even when nobody else has the message; so does Settle where stale leases are noticed.", run: pastTheLocalEnd},
	{Name: "settled-twice", Doc: "What was settled stays settled: settling or extending it again answers LeaseLost, or does nothing.", run: settledTwice},
	{Name: "settled-for-later", Doc: "A lease that was released with a delay has ended: nothing done with it moves the time at which the message comes back.", run: settledForLater},
	{Name: "extend-never-undoes-settle", Doc: "An extend in flight while its lease is settled never undoes the settle.", run: extendNeverUndoesSettle},
}

// superseded leases a message twice: the first lease has lapsed.
func (t *T) superseded(s driver.Source) (stale, current driver.Lease) {
	stale = t.lease(s)
	current, _ = t.again(s, stale, t.hold)
	return stale, current
}

// unharmed asserts that a lease lasts until it says, and settles it.
func (t *T) unharmed(what string, s driver.Source, l driver.Lease) {
	t.hiddenUntil(what, s, l.Expires())
	err := t.settle(s, driver.Settlement{Lease: l, Verdict: driver.Ack})[0]
	if err != nil && t.caps.StaleSettleDetected.Level == driver.LevelNative {
		t.Errorf("%s: then the holder's ack: %v", what, err)
	}
}

func lateAck(t *T) {
	q := t.open()
	t.send(q, t.message())
	stale, current := t.superseded(q)
	err := t.settle(q, driver.Settlement{Lease: stale, Verdict: driver.Ack})[0]
	t.lost("a late ack", err)
	t.unharmed("a late ack", q, current)
	// Where the broker takes both acks, it is the same message all the same.
	t.audit(q, tally{Processed: 1, Copies: err == nil})
}

func lateExtend(t *T) {
	q := t.open()
	t.send(q, t.message())
	stale, current := t.superseded(q)
	time.Sleep(t.hold / 4)
	t.code("a late extend", t.extend(q, 0, stale)[0].Err, driver.LeaseLost)
	l, at := t.again(q, current, t.hold)
	t.within("after a late extend the message came back", at.Sub(current.Received()), current.Expires().Sub(current.Received()), t.hold)
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func lateRelease(t *T) {
	q := t.open()
	t.send(q, t.message())
	stale, current := t.superseded(q)
	t.lost("a late release", t.settle(q, driver.Settlement{Lease: stale, Verdict: driver.Release})[0])
	t.unharmed("a late release", q, current)
	t.audit(q, tally{Processed: 1})
}

func lateBury(t *T) {
	q := t.open()
	t.send(q, t.message())
	stale, current := t.superseded(q)
	err := t.settle(q, driver.Settlement{Lease: stale, Verdict: driver.Bury, Reason: testReason})[0]
	t.lost("a late bury", err)
	t.unharmed("a late bury", q, current)
	t.audit(q, tally{Processed: 1, Copies: err == nil})
}

func lateOnDeadLetter(t *T) {
	q := t.open()
	d := q.DeadLetter()
	t.sendDead(q, t.message())
	stale, current := t.superseded(d)
	t.code("a late extend", t.extend(d, 0, stale)[0].Err, driver.LeaseLost)
	t.lost("a late release", t.settle(d, driver.Settlement{Lease: stale, Verdict: driver.Release})[0])
	err := t.settle(d, driver.Settlement{Lease: stale, Verdict: driver.Redrive})[0]
	t.lost("a late redrive", err)
	t.unharmed("a late settle of a dead letter", d, current)
	t.audit(q, tally{Processed: 1, Copies: err == nil})
}

func pastTheLocalEnd(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	for name, s := range sources(q) {
		// Each verb has a lease of its own, so that it alone must notice.
		lapsed := func() driver.Lease {
			l := t.lease(s)
			time.Sleep(time.Until(l.Received().Add(t.hold + t.b.Margin)))
			return l
		}
		t.code(name+": extend past the end", t.extend(s, 0, lapsed())[0].Err, driver.LeaseLost)
		if t.caps.StaleSettleDetected.Level == driver.LevelNative {
			for _, verdict := range []driver.Verdict{driver.Ack, driver.Release} {
				err := t.settle(s, driver.Settlement{Lease: lapsed(), Verdict: verdict})[0]
				t.code(fmt.Sprintf("%s: %v past the end", name, verdict), err, driver.LeaseLost)
			}
		}
		t.ack(s, t.lease(s))
	}
	t.audit(q, tally{Processed: 2})
}

func settledTwice(t *T) {
	q := t.open()
	t.send(q, t.messages(2)...)
	ls := t.leases(q, 2)
	t.ack(q, ls[0])
	t.release(q, ls[1], 0)
	current := t.lease(q)
	for i, l := range ls {
		what := [...]string{"acked", "released"}[i]
		for _, verdict := range []driver.Verdict{driver.Release, driver.Ack, driver.Bury} {
			if verdict == driver.Bury && t.caps.StaleSettleDetected.Level != driver.LevelNative {
				continue // it may make a copy, which the runtime avoids
			}
			if i == 1 && verdict == driver.Ack && t.caps.StaleSettleDetected.Level != driver.LevelNative {
				continue // it may ack the message
			}
			ctx, cancel := t.ctx(0)
			errs := q.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: verdict, Reason: reasonFor(verdict)}})
			cancel()
			if len(errs) != 1 {
				t.Fatalf("settle: %d results for 1 settlement", len(errs))
			}
			t.lost(verdict.String()+" of what was "+what, errs[0])
		}
		t.lost("extend of what was "+what, t.extend(q, 0, l)[0].Err)
	}
	t.unharmed("settling twice", q, current)
	t.audit(q, tally{Processed: 2})
}

func settledForLater(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	if !t.caps.ReleaseDelay.Supported() {
		t.refuse("a release with a delay", q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: t.hold}, driver.Unsupported)
		t.ack(q, l)
		t.audit(q, tally{Processed: 1})
		t.refused()
		return
	}
	for range 3 {
		start := time.Now()
		t.release(q, l, t.hold)
		time.Sleep(t.hold / 4)
		t.lost("extend of what was released for later", t.extend(q, 0, l)[0].Err)
		t.lost("release of what was released for later", t.settle(q, driver.Settlement{Lease: l, Verdict: driver.Release})[0])
		next, at := t.again(q, l, time.Until(start.Add(t.hold)))
		t.within("the message came back", at.Sub(start), t.hold, t.hold)
		l = next
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

// reasonFor is a reason where the verdict needs one.
func reasonFor(v driver.Verdict) string {
	if v == driver.Bury {
		return testReason
	}
	return ""
}

func extendNeverUndoesSettle(t *T) {
	q := t.open()
	d := q.DeadLetter()
	const rounds = 5
	race := func(s driver.Source, v driver.Settlement) {
		done := make(chan struct{})
		t.run(func() {
			defer close(done)
			if err := t.extend(s, 0, v.Lease)[0].Err; err != nil {
				t.code("an extend while its lease is settled", err, driver.LeaseLost)
			}
		})
		t.settled(s, v)
		<-done
	}
	for range rounds {
		t.send(q, t.message())
		l := t.lease(q)
		race(q, driver.Settlement{Lease: l, Verdict: driver.Release})
		l, _ = t.again(q, l, 0)
		race(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason})
		l, _ = t.again(d, l, 0)
		race(d, driver.Settlement{Lease: l, Verdict: driver.Redrive})
		l, _ = t.again(q, l, 0)
		if t.caps.ReleaseDelay.Supported() {
			start := time.Now()
			race(q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: t.hold / 2})
			l, _ = t.again(q, l, t.hold/2)
			t.within("released with an extend in flight the message came back", time.Since(start), t.hold/2, t.hold/2)
		}
		race(q, driver.Settlement{Lease: l, Verdict: driver.Ack})
	}
	t.audit(q, tally{Processed: rounds})
}
