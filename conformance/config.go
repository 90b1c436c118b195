package conformance

import (
	"reflect"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var configChecks = []Check{
	{Name: "capabilities", Doc: "Capabilities is what the profile pins, always the same, and without contradiction.", run: capabilities},
	{Name: "policy", Doc: "Policy tells how the broker is really configured, and behaviour agrees.", run: policy},
	{Name: "policy-without-dead-letter", Doc: "Policy tells when there is no dead letter.", run: policyWithoutDeadLetter},
	{Name: "stats", Doc: "Stats add up: ready, leased, delayed, dead and the oldest age; or they are refused as Unsupported.", run: stats},
	{Name: "stats-oldest", Doc: "The oldest age is that of the oldest message that is left; or statistics are refused as Unsupported.", run: statsOldest},
	{Name: "as", Doc: "As leaves a target that it does not know alone.", run: as},
}

func capabilities(t *T) {
	q := t.open()
	got := q.Capabilities()
	want := reflect.ValueOf(t.caps)
	for i, f := range reflect.VisibleFields(want.Type()) {
		if g, w := reflect.ValueOf(got).Field(i).Interface(), want.Field(i).Interface(); g != w {
			t.Errorf("capability %s is %v; the profile pins %v", f.Name, g, w)
		}
	}
	t.send(q, t.message())
	t.ack(q, t.lease(q))
	if q.Capabilities() != got {
		t.Errorf("capabilities change")
	}
	t.consistent(got)
}

func (t *T) consistent(c driver.Capabilities) {
	v := reflect.ValueOf(c)
	for i, f := range reflect.VisibleFields(v.Type()) {
		if s, ok := reflect.TypeAssert[driver.Support](v.Field(i)); ok && s.Level != driver.LevelNative && s.Note == "" {
			t.Errorf("capability %s is %v without a note", f.Name, s.Level)
		}
	}
	for what, broken := range map[string]bool{
		"a batch limit is below 1":                    min(c.MaxSendBatch, c.MaxReceiveBatch, c.MaxSettleBatch) < 1,
		"the body or attribute limits make no sense":  c.MaxBody < idLen || c.MaxAttributes < 0 || c.MaxAttributes > 0 && c.MaxAttributeValue < 1,
		"the attempt range makes no sense":            c.MinAttempts < 0 || c.MaxAttempts < c.MinAttempts,
		"the hold range makes no sense":               c.MinHold < 0 || c.MaxHold < c.MinHold || c.MaxHold <= 0 || c.HoldGrain < 0,
		"a lease can be longer than leases in all":    c.MaxTotalHold < c.MinHold,
		"MaxSendDelay does not agree with SendDelay":  c.SendDelay.Supported() != (c.MaxSendDelay > 0),
		"a release delay is longer than a lease":      c.MaxReleaseDelay > c.MaxTotalHold,
		"MaxReleaseDelay disagrees with ReleaseDelay": c.ReleaseDelay.Supported() != (c.MaxReleaseDelay > 0),
	} {
		if broken {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

func policy(t *T) {
	o := Options{}
	hold := t.hold
	if t.b.Can.Hold {
		o.Hold = driver.RoundUp(&t.caps, t.hold/2)
		hold = o.Hold
	}
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = max(4, t.caps.MinAttempts)
	}
	q := t.openWith(o)
	ctx, cancel := t.ctx(0)
	defer cancel()
	p, err := q.Policy(ctx)
	if err != nil {
		t.Fatalf("policy: %v", err)
	}
	if p.Hold != hold {
		t.Errorf("hold %v; want %v", p.Hold, hold)
	}
	if o.MaxAttempts != 0 && p.MaxAttempts != o.MaxAttempts {
		t.Errorf("max attempts %d; want %d", p.MaxAttempts, o.MaxAttempts)
	}
	if p.DeadLetterTarget == "" || !p.DeadLetterReadable {
		t.Errorf("dead letter %q, readable %v; want one that can be read", p.DeadLetterTarget, p.DeadLetterReadable)
	}
	if p.Retention <= 0 || p.DeadLetterRetention <= 0 || p.RetryDelay < 0 || p.IdleExpiry < 0 {
		t.Errorf("retention %v and %v, retry delay %v, idle expiry %v make no sense",
			p.Retention, p.DeadLetterRetention, p.RetryDelay, p.IdleExpiry)
	}
	if t.b.Can.MaxAttempts {
		for _, n := range []int{t.caps.MinAttempts, t.caps.MaxAttempts} {
			p, err := t.openWith(Options{MaxAttempts: n}).Policy(ctx)
			if err != nil || p.MaxAttempts != n {
				t.Errorf("max attempts %d, %v; want %d", p.MaxAttempts, err, n)
			}
		}
	}
	t.send(q, t.message())
	l := t.lease(q)
	next, at := t.again(q, l, hold)
	t.within("the message came back", at.Sub(l.Received()), l.Expires().Sub(l.Received()), hold)
	if d := l.Expires().Sub(l.Received()); d < hold-t.early(hold) {
		t.Errorf("the lease says that it ends after %v; want %v or little less", d, hold)
	}
	t.ack(q, next)
	t.audit(q, tally{Processed: 1})
}

func policyWithoutDeadLetter(t *T) {
	q := t.openWith(Options{NoDeadLetter: true})
	ctx, cancel := t.ctx(0)
	defer cancel()
	p, err := q.Policy(ctx)
	if err != nil {
		t.Fatalf("policy: %v", err)
	}
	if p.DeadLetterTarget != "" || p.DeadLetterReadable || p.MaxAttempts != 0 {
		t.Errorf("dead letter %q, readable %v, after %d attempts; want none", p.DeadLetterTarget, p.DeadLetterReadable, p.MaxAttempts)
	}
}

// counts asserts the statistics, as far as the broker counts.
func (t *T) counts(what string, q driver.Queue, want driver.Stats) {
	ctx, cancel := t.ctx(0)
	defer cancel()
	got, err := q.Stats(ctx)
	if err != nil {
		t.Fatalf("%s: stats: %v", what, err)
	}
	for name, n := range map[string][2]int64{
		"ready": {got.Ready, want.Ready}, "leased": {got.Leased, want.Leased}, "delayed": {got.Delayed, want.Delayed}, "dead": {got.Dead, want.Dead},
	} {
		if n[0] < 0 && n[0] != driver.Unreported {
			t.Errorf("%s: %d %s; want 0 or more, or Unreported", what, n[0], name)
		}
		if t.caps.Depth.Level == driver.LevelNative && n[0] != driver.Unreported && n[0] != n[1] {
			t.Errorf("%s: %d %s; want %d", what, n[0], name, n[1])
		}
	}
	if t.caps.Depth.Level == driver.LevelNative && got.Oldest != driver.Unreported {
		t.within(what+": the oldest message was sent", got.Oldest, want.Oldest, want.Oldest)
	}
}

// withoutStats checks the refusal where statistics are not supported.
func (t *T) withoutStats(q driver.Queue) bool {
	if t.caps.Depth.Supported() {
		return false
	}
	ctx, cancel := t.ctx(0)
	defer cancel()
	_, err := q.Stats(ctx)
	t.code("stats", err, driver.Unsupported)
	t.refused()
	return true
}

func statsOldest(t *T) {
	q := t.open()
	if t.withoutStats(q) {
		return
	}
	var sent []time.Time
	var ls []driver.Lease
	for range 4 {
		t.send(q, t.message())
		sent = append(sent, time.Now())
		ls = append(ls, t.lease(q))
		time.Sleep(t.hold / 8)
	}
	for i, n := range []struct{ ack, oldest int }{{1, 0}, {0, 2}, {2, 3}} {
		t.ack(q, ls[n.ack])
		t.counts("acked", q, driver.Stats{Leased: int64(3 - i), Oldest: time.Since(sent[n.oldest])})
	}
	t.bury(q, ls[3])
	t.counts("buried", q, driver.Stats{Dead: 1})
	t.audit(q, tally{Processed: 3, Dead: 1})
}

func stats(t *T) {
	q := t.open()
	d := q.DeadLetter()
	if t.withoutStats(q) {
		return
	}
	t.counts("empty", q, driver.Stats{})
	t.send(q, t.messages(6)...)
	start := time.Now()
	t.counts("sent", q, driver.Stats{Ready: 6})
	late, delayed := start, int64(0)
	if t.caps.SendDelay.Supported() {
		m := t.message()
		m.Delay = min(10*t.hold, t.caps.MaxSendDelay)
		t.send(q, m)
		late, delayed = time.Now(), 1
		t.counts("delayed", q, driver.Stats{Ready: 6, Delayed: delayed})
	}
	time.Sleep(t.hold / 2)
	ls := t.leases(q, 4)
	t.counts("leased", q, driver.Stats{Ready: 2, Leased: 4, Delayed: delayed, Oldest: time.Since(start)})
	t.ack(q, ls[0])
	t.bury(q, ls[1])
	t.counts("acked and buried", q, driver.Stats{Ready: 2, Leased: 2, Delayed: delayed, Dead: 1, Oldest: time.Since(start)})
	t.release(q, ls[2], 0)
	t.counts("released", q, driver.Stats{Ready: 3, Leased: 1, Delayed: delayed, Dead: 1, Oldest: time.Since(start)})
	if t.caps.ReleaseDelay.Supported() {
		t.release(q, ls[3], t.hold)
		t.counts("released with a delay", q, driver.Stats{Ready: 3, Leased: 1, Delayed: delayed, Dead: 1, Oldest: time.Since(start)})
	}
	t.lease(d)
	t.counts("a dead letter leased", q, driver.Stats{Ready: 3, Leased: 1, Delayed: delayed, Dead: 1, Oldest: time.Since(start)})
	time.Sleep(t.hold + t.b.Margin)
	t.counts("lapsed", q, driver.Stats{Ready: 4, Delayed: delayed, Dead: 1, Oldest: time.Since(start)})
	t.redrive(d, t.lease(d))
	t.ackAll(q, t.leases(q, 5))
	if delayed > 0 {
		time.Sleep(time.Until(late.Add(10*t.hold)) + t.b.Margin + t.clock())
		t.counts("due", q, driver.Stats{Ready: delayed, Oldest: time.Since(late)})
		t.ackAll(q, t.leases(q, 1))
	}
	t.counts("all done", q, driver.Stats{})
	t.audit(q, tally{Processed: 6 + int(delayed)})
}

func as(t *T) {
	type unknown struct{}
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	target := new(unknown)
	for name, as := range map[string]func(any) bool{"queue": q.As, "lease": l.As} {
		if as(&target) || as(nil) || target == nil {
			t.Errorf("%s: As accepts a type that nobody knows", name)
		}
	}
	t.ack(q, l)
}
