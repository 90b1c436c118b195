package conformance

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var releaseChecks = []Check{
	{Name: "release-now", Doc: "A message released without delay can be leased again at once.", run: releaseNow},
	{Name: "release-later", Doc: "A message released with a delay comes back when it is over, never before; or the delay is refused as Unsupported.", run: releaseLater},
	{Name: "release-longest", Doc: "A message can be released with any delay up to MaxReleaseDelay, as far as MaxTotalHold leaves room.", run: releaseLongest},
	{Name: "release-refusals", Doc: "A delay that is negative, over MaxReleaseDelay, or given with another verdict is InvalidArgument and leaves the lease as it is.", run: releaseRefusals},
}

func releaseNow(t *T) {
	q := t.open()
	m := t.full()
	t.send(q, m)
	l := t.lease(q)
	start := time.Now()
	t.release(q, l, 0)
	l, at := t.again(q, l, 0)
	t.within("the message came back", at.Sub(start), 0, 0)
	t.same("released", l.Message(), m)
	t.carries("released", l.Message().Carry, m.Carry)
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func releaseLater(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	for name, s := range sources(q) {
		l := t.lease(s)
		if !t.caps.ReleaseDelay.Supported() {
			t.refuse(name+": a release with a delay", s, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: t.hold}, driver.Unsupported)
			t.ack(s, l)
			t.refused()
			continue
		}
		// Longer than the hold, and shorter than what is left of it.
		for _, delay := range []time.Duration{min(2*t.hold, t.caps.MaxReleaseDelay), t.hold / 2} {
			start := time.Now()
			t.release(s, l, delay)
			next, at := t.again(s, l, delay)
			t.within(name+": the message came back", at.Sub(start), delay, delay)
			l = next
		}
		t.ack(s, l)
	}
	t.audit(q, tally{Processed: 2})
}

func releaseLongest(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	if !t.caps.ReleaseDelay.Supported() {
		t.refuse("the shortest delay", q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: max(t.caps.HoldGrain, 1)}, driver.Unsupported)
		t.ack(q, l)
		t.audit(q, tally{Processed: 1})
		t.refused()
		return
	}
	delay := t.caps.MaxReleaseDelay
	if delay >= t.caps.MaxTotalHold && !t.b.Virtual {
		delay = (t.caps.MaxTotalHold - t.grace).Truncate(max(t.caps.HoldGrain, 1)) // the call takes time
	}
	start := time.Now()
	t.release(q, l, delay)
	if !t.b.Virtual {
		return // it takes too long to come back
	}
	t.hiddenUntil("a message released with the longest delay", q, start.Add(delay))
	l, at := t.again(q, l, t.grace)
	t.within("the message came back", at.Sub(start), delay, delay)
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func releaseRefusals(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	d := t.lease(q.DeadLetter())
	t.refuse("a redrive with a delay", q.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Redrive, Delay: t.hold}, driver.InvalidArgument)
	t.ack(q.DeadLetter(), d)
	t.send(q, t.message())
	l := t.lease(q)
	t.refuse("a release with a negative delay", q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: -1}, driver.InvalidArgument)
	t.refuse("an ack with a delay", q, driver.Settlement{Lease: l, Verdict: driver.Ack, Delay: t.hold}, driver.InvalidArgument)
	t.refuse("a bury with a delay", q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: testReason, Delay: t.hold}, driver.InvalidArgument)
	if t.caps.ReleaseDelay.Supported() {
		over := t.caps.MaxReleaseDelay + max(t.caps.HoldGrain, 1)
		t.refuse("a release over the limit", q, driver.Settlement{Lease: l, Verdict: driver.Release, Delay: over}, driver.InvalidArgument)
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 2})
}
