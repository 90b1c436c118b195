package conformance

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var leaseChecks = []Check{
	{Name: "lease-hides", Doc: "A leased message is hidden from everybody else until its lease ends.", run: leaseHides},
	{Name: "lease-lapses", Doc: "What is not acked comes back when its lease ends, neither before nor long after.", run: leaseLapses},
	{Name: "attempt-counts", Doc: "Each delivery, after a lapse and after a release, is one attempt more.", run: attemptCounts},
	{Name: "acked-never-returns", Doc: "What was acked never comes back, not after two holds and not in the dead letter.", run: ackedNeverReturns},
	{Name: "extend-outlives-three-holds", Doc: "A lease that is extended in time is not lost, for longer than three holds.", run: extendOutlivesThreeHolds},
	{Name: "expires-tells-the-truth", Doc: "A lease ends no earlier than it says, and does not say much too early an end.", run: expiresTellsTheTruth},
	{Name: "extend-tells-the-truth", Doc: "An extended lease ends no earlier than Extend said, and Extend counts from the start of its call.", run: extendTellsTheTruth},
	{Name: "extend-order-of-results", Doc: "Extend answers one result a lease, in order, and one bad lease fails alone.", run: extendOrderOfResults},
	{Name: "extend-over-batch", Doc: "An Extend over the batch limit is InvalidArgument in every slot and extends nothing.", run: extendOverBatch},
}

func leaseHides(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	t.hiddenUntil("a leased message", q, l.Expires())
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func leaseLapses(t *T) {
	q := t.open()
	m := t.full()
	t.send(q, m)
	l := t.lease(q)
	l2, at := t.again(q, l, t.hold)
	t.within("the message came back", at.Sub(l.Received()), l.Expires().Sub(l.Received()), t.hold)
	t.same("lapsed", l2.Message(), m)
	t.carries("lapsed", l2.Message().Carry, m.Carry)
	t.ack(q, l2)
	t.audit(q, tally{Processed: 1})
}

func attemptCounts(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	t.attempt(l, 1)
	last := l.Attempt()
	for n := 2; n <= 5; n++ {
		within := t.grace
		if n%2 == 0 {
			within = t.hold
		} else {
			t.release(q, l, 0)
		}
		l, _ = t.again(q, l, within)
		t.attempt(l, n)
		if l.Attempt() < last {
			t.Errorf("attempt %d after attempt %d", l.Attempt(), last)
		}
		last = l.Attempt()
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func ackedNeverReturns(t *T) {
	q := t.open()
	t.send(q, t.messages(3)...)
	for _, l := range t.leases(q, 3) {
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: 3})
}

func extendOutlivesThreeHolds(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	start := time.Now()
	last := l.Expires()
	for time.Since(start) < 3*t.hold+t.hold/2 {
		t.hidden("an extended lease", q, t.hold/2)
		end := t.extended(q, l, 0)
		if !end.After(last) {
			t.Errorf("extended to %v; want later than %v", end, last)
		}
		last = end
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func expiresTellsTheTruth(t *T) {
	q := t.open()
	t.send(q, t.message())
	start := time.Now()
	l := t.lease(q)
	if low := start.Add(t.hold - t.early(t.hold)); l.Expires().Before(low) {
		t.Errorf("the lease says that it ends after %v; want %v or little less", l.Expires().Sub(start), t.hold)
	}
	l2, at := t.again(q, l, t.hold)
	if l.Expires().After(at) {
		t.Errorf("the message came back %v before the lease said that it ends", l.Expires().Sub(at))
	}
	t.ack(q, l2)
	t.audit(q, tally{Processed: 1})
}

func extendTellsTheTruth(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	time.Sleep(t.hold / 2)
	start := time.Now()
	end := t.extended(q, l, 0)
	if d := end.Sub(start); d > t.hold+time.Since(start) || d < t.hold-t.early(t.hold) {
		t.Errorf("the extension says that it ends %v after its start; want %v or little less", d, t.hold)
	}
	l2, at := t.again(q, l, t.hold)
	t.within("the message came back", at.Sub(start), end.Sub(start), t.hold)
	t.ack(q, l2)
	t.audit(q, tally{Processed: 1})
}

func extendOrderOfResults(t *T) {
	q := t.open()
	t.send(q, t.messages(3)...)
	ls := t.leases(q, 3)
	time.Sleep(t.hold / 2)
	start := time.Now()
	batch := []driver.Lease{ls[0], nil, ls[1], ls[2]}
	for i, r := range t.extend(q, 0, batch...) {
		switch {
		case batch[i] == nil:
			t.code("extend of no lease", r.Err, driver.InvalidArgument)
		case r.Err != nil:
			t.Errorf("extend item %d, a good one: %v", i, r.Err)
		case !r.Expires.After(start):
			t.Errorf("extend item %d: ends at %v, before it began", i, r.Expires)
		}
	}
	t.hidden("extended leases", q, t.hold/2+t.hold/4)
	t.ack(q, ls...)
	t.audit(q, tally{Processed: 3})
}

func extendOverBatch(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	time.Sleep(t.hold / 2)
	over := make([]driver.Lease, t.caps.MaxSettleBatch+1)
	for i := range over {
		over[i] = l
	}
	for _, r := range t.extend(q, 0, over...) {
		t.code("extend in a batch over the limit", r.Err, driver.InvalidArgument)
	}
	l2, at := t.again(q, l, t.hold/2)
	t.within("the message came back", at.Sub(l.Received()), 0, t.hold)
	full := make([]driver.Lease, t.caps.MaxSettleBatch)
	full[0] = l2
	if err := t.extend(q, 0, full...)[0].Err; err != nil {
		t.Errorf("extend in a full batch: %v", err)
	}
	t.ack(q, l2)
	t.audit(q, tally{Processed: 1})
}
