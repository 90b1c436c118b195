package conformance

import (
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var holdChecks = []Check{
	{Name: "hold-at-receive", Doc: "A hold given to Receive is the lease's; where it is fixed another is InvalidArgument.", run: holdAtReceive},
	{Name: "hold-at-extend", Doc: "Extend moves the end to hold from now, later or sooner; where it is fixed another is InvalidArgument.", run: holdAtExtend},
	{Name: "hold-range", Doc: "A hold outside MinHold to MaxHold is InvalidArgument and leases or extends nothing.", run: holdRange},
	{Name: "hold-grain", Doc: "A hold between two grains rounds up, never down.", run: holdGrain},
	{Name: "hold-in-all", Doc: "A lease lasts for MaxTotalHold and no longer: what goes past it is InvalidArgument and leaves the lease as it is.", run: holdInAll},
}

// refuseHold asserts that a hold is refused at Receive and Extend. The queue has
// one message, which is free before and after.
func (t *T) refuseHold(q driver.Queue, hold time.Duration) {
	ctx, cancel := t.ctx(0)
	defer cancel()
	got, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1, Hold: hold})
	t.code(fmt.Sprintf("receive with a hold of %v", hold), err, driver.InvalidArgument)
	if len(got) > 0 {
		t.Fatalf("receive with a hold of %v leased %d messages", hold, len(got))
	}
	l := t.lease(q)
	for _, r := range t.extend(q, hold, l) {
		t.code(fmt.Sprintf("extend by %v", hold), r.Err, driver.InvalidArgument)
	}
	t.intact("a refused extend", q, l)
	t.release(q, l, 0)
}

func (t *T) refuseFixed(q driver.Queue) {
	t.refuseHold(q, t.hold+max(t.caps.HoldGrain, 1))
	t.refuseHold(q, 2*t.hold)
	got := t.pollHold(q, 1, t.grace, t.hold) // the queue's own is taken
	if len(got) != 1 {
		t.Fatalf("no message with the queue's own hold")
	}
	if r := t.extend(q, t.hold, got[0])[0]; r.Err != nil {
		t.Errorf("extend by the queue's own hold: %v", r.Err)
	}
	t.ack(q, got...)
	t.audit(q, tally{Processed: 1})
	t.refused()
}

func holdAtReceive(t *T) {
	q := t.open()
	t.send(q, t.message())
	if t.caps.FixedHold {
		t.refuseFixed(q)
		return
	}
	var l driver.Lease
	for _, hold := range []time.Duration{2 * t.hold, driver.RoundUp(&t.caps, max(t.hold/2, t.caps.MinHold))} {
		got := t.pollHold(q, 1, t.grace, hold)
		if len(got) != 1 {
			t.Fatalf("no message with a hold of %v", hold)
		}
		l = got[0]
		if d := l.Expires().Sub(l.Received()); d > hold || d < hold-t.early(hold) {
			t.Errorf("with a hold of %v the lease says that it ends after %v", hold, d)
		}
		next, at := t.again(q, l, hold)
		t.within(fmt.Sprintf("with a hold of %v the message came back", hold), at.Sub(l.Received()), l.Expires().Sub(l.Received()), hold)
		t.release(q, next, 0)
	}
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 1})
}

func holdAtExtend(t *T) {
	q := t.open()
	t.send(q, t.message())
	if t.caps.FixedHold {
		t.refuseFixed(q)
		return
	}
	for _, hold := range []time.Duration{2 * t.hold, driver.RoundUp(&t.caps, max(t.hold/2, t.caps.MinHold))} {
		l := t.lease(q)
		start := time.Now()
		end := t.extended(q, l, hold)
		next, at := t.again(q, l, hold)
		t.within(fmt.Sprintf("extended by %v the message came back", hold), at.Sub(start), end.Sub(start), hold)
		t.release(q, next, 0)
	}
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 1})
}

func holdRange(t *T) {
	q := t.open()
	t.send(q, t.message())
	grain := max(t.caps.HoldGrain, 1)
	t.refuseHold(q, t.caps.MaxHold+grain)
	t.refuseHold(q, -grain)
	if low := t.caps.MinHold - grain; low > 0 {
		t.refuseHold(q, low)
	}
	holds := []time.Duration{t.caps.MinHold, min(t.caps.MaxHold, t.caps.MaxTotalHold)}
	if t.caps.FixedHold {
		holds = []time.Duration{t.hold}
	}
	for _, hold := range holds {
		if hold == 0 {
			continue // it would stand for the queue's own
		}
		got := t.pollHold(q, 1, t.grace, hold)
		if len(got) != 1 {
			t.Fatalf("no message with a hold of %v", hold)
		}
		if !t.b.Virtual && hold < t.hold {
			t.again(q, got[0], hold) // it may be over before the next call
			time.Sleep(t.hold + t.b.Margin)
			continue
		}
		if t.b.Virtual || hold < t.caps.MaxTotalHold-t.grace { // else the call's own time is too much
			t.extended(q, got[0], hold)
		}
		t.release(q, got[0], 0)
	}
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 1})
}

// uneven is a duration between two grains.
func (t *T) uneven() time.Duration {
	return driver.RoundUp(&t.caps, max(t.caps.MinHold, 2*t.caps.HoldGrain)) + t.caps.HoldGrain/2
}

func holdGrain(t *T) {
	q := t.open()
	t.send(q, t.message())
	d := t.uneven()
	high := driver.RoundUp(&t.caps, d)
	l := t.lease(q)
	if !t.caps.FixedHold {
		t.release(q, l, 0)
		l = t.pollHold(q, 1, t.grace, d)[0]
		next, at := t.again(q, l, high)
		t.within(fmt.Sprintf("with a hold of %v the message came back", d), at.Sub(l.Received()), d, high)

		l = next
		start := time.Now()
		t.extended(q, l, d)
		next, at = t.again(q, l, high)
		t.within(fmt.Sprintf("extended by %v the message came back", d), at.Sub(start), d, high)
		l = next
	}
	if t.caps.ReleaseDelay.Supported() {
		start := time.Now()
		t.release(q, l, d)
		next, at := t.again(q, l, high)
		t.within(fmt.Sprintf("released for %v the message came back", d), at.Sub(start), d, high)
		l = next
	}
	t.ack(q, l)
	if t.caps.SendDelay.Supported() {
		m := t.message()
		m.Delay = d
		start := time.Now()
		t.send(q, m)
		got := t.poll(q, 1, high+t.b.Margin+t.grace)
		if len(got) != 1 {
			t.Fatalf("a message delayed for %v did not come", d)
		}
		t.within(fmt.Sprintf("delayed for %v the message came", d), time.Since(start), d, high)
		t.ack(q, got...)
		t.audit(q, tally{Processed: 2})
		return
	}
	t.audit(q, tally{Processed: 1})
}

func holdInAll(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	if t.caps.MaxTotalHold == driver.Unlimited || t.caps.FixedHold || t.caps.MaxHold < t.caps.MaxTotalHold {
		t.holdStepwise(q, l)
		return
	}
	time.Sleep(t.hold / 2)
	left := t.caps.MaxTotalHold - time.Since(l.Received())
	over := driver.RoundUp(&t.caps, left+t.hold/10)
	if over <= t.caps.MaxHold {
		t.code("extend past the limit", t.extend(q, over, l)[0].Err, driver.InvalidArgument)
		t.intact("an extend past the limit", q, l)
	}
	if t.caps.ReleaseDelay.Supported() && over <= t.caps.MaxReleaseDelay {
		t.refuse("a release past the limit", q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: over}, driver.InvalidArgument)
	}
	most := (left - t.grace).Truncate(max(t.caps.HoldGrain, 1))
	end := t.extended(q, l, most)
	if t.b.Virtual {
		t.hiddenUntil("a lease that lasts as long as can be", q, end)
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

// holdStepwise extends by the queue's own hold until the limit, or for longer
// than any limit.
func (t *T) holdStepwise(q driver.Queue, l driver.Lease) {
	if !t.b.Virtual {
		t.absent("it takes as long as a lease can last")
	}
	limit := t.caps.MaxTotalHold
	if limit == driver.Unlimited {
		limit = 1000 * t.hold
	}
	for {
		time.Sleep(t.hold / 2)
		r := t.extend(q, 0, l)[0]
		if time.Since(l.Received())+t.hold <= limit {
			if r.Err != nil {
				t.Fatalf("extend after %v: %v", time.Since(l.Received()), r.Err)
			}
			continue
		}
		if t.caps.MaxTotalHold != driver.Unlimited {
			t.code("extend past the limit", r.Err, driver.InvalidArgument)
		}
		break
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}
