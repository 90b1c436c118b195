package conformance

import (
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var redriveChecks = []Check{
	{Name: "redrive-keeps", Doc: "Redrive sends back one copy, at once, with the same body, attributes and keys, and without the death record.", run: redriveKeeps},
	{Name: "redrive-carry", Doc: "A redriven message starts with fresh attempts, is due at once, ignores its expiry and counts its redrives.", run: redriveCarry},
	{Name: "redrive-one-of-many", Doc: "Redrive moves the messages that were chosen and leaves the others.", run: redriveOneOfMany},
	{Name: "redrive-cut-off", Doc: "A worker cut off in the middle of a redrive loses nothing.", run: redriveCutOff},
	{Name: "move-all", Doc: "MoveAll moves every dead message back as it is, with its death record; or it is Unsupported and moves nothing.", run: moveAll},
	{Name: "move-all-rate", Doc: "MoveAll keeps to the rate it is given, and a negative one is InvalidArgument; or it is Unsupported.", run: moveAllRate},
}

func redriveKeeps(t *T) {
	q := t.open()
	d := q.DeadLetter()
	m := t.full()
	t.sendDead(q, m)
	start := time.Now()
	t.redrive(d, t.lease(d))
	t.hidden("a redriven message, in the dead letter", d, 0)
	l := t.lease(q)
	t.within("the redriven message came", time.Since(start), 0, 0)
	t.same("redriven", l.Message(), m)
	t.attempt(l, 1)
	if l.Message().Death != nil {
		t.Errorf("the redriven message still has a death record: %+v", l.Message().Death)
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func redriveCarry(t *T) {
	q := t.open()
	d := q.DeadLetter()
	m := t.message()
	m.Carry = driver.Carry{
		Attempts: 5, NotBefore: time.Now().Add(time.Hour).Truncate(time.Millisecond), Hops: 1, Snoozes: 2, FirstError: "the first",
	}
	t.send(q, m)
	l := t.lease(q)
	for n := 1; n <= 3; n++ {
		t.bury(q, l)
		t.redrive(d, t.lease(d))
		l = t.lease(q)
		t.attempt(l, 1)
		t.carries(fmt.Sprintf("redriven %d times", n), l.Message().Carry,
			driver.Carry{Hops: 1, FirstError: "the first", Redrives: n, IgnoreExpiry: true})
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func redriveOneOfMany(t *T) {
	q := t.open()
	d := q.DeadLetter()
	t.sendDead(q, t.messages(4)...)
	ls := t.leases(d, 4)
	t.redrive(d, ls[1], ls[2])
	t.ack(q, t.leases(q, 2)...)
	t.audit(q, tally{Processed: 2, Dead: 2})
}

func redriveCutOff(t *T) {
	if len(t.b.Interrupts) == 0 {
		t.absent("no fault hook")
	}
	for _, cut := range t.b.Interrupts {
		q := t.open()
		t.sendDead(q, t.full())
		l := t.lease(q.DeadLetter())
		armed := cut.Arm(q).DeadLetter()
		if err := t.settle(armed, driver.Settlement{Lease: l, Verdict: driver.Redrive})[0]; err == nil {
			t.Errorf("%s: the redrive was not cut off", cut.Name)
		}
		t.survives(q, t.caps.AtomicRedrive)
	}
}

func moveAllRate(t *T) {
	q := t.open()
	d := q.DeadLetter()
	const n = 4
	t.sendDead(q, t.messages(n)...)
	start := time.Now()
	ctx, cancel := t.ctx(t.hold)
	defer cancel()
	if _, err := d.MoveAll(ctx, driver.MoveOptions{Rate: 1}); !t.b.MovesAll {
		t.code("move all at a rate", err, driver.Unsupported)
		t.audit(q, tally{Dead: n})
		t.refused()
		return
	} else if err != nil {
		t.Fatalf("move all at a rate: %v", err)
	}
	t.within("at a message a second all were moved", time.Since(start), (n-1)*time.Second, n*time.Second)
	_, err := d.MoveAll(ctx, driver.MoveOptions{Rate: -1})
	t.code("move all at a negative rate", err, driver.InvalidArgument)
	t.audit(q, tally{Live: n})
}

func moveAll(t *T) {
	q := t.open()
	d := q.DeadLetter()
	const n = 3
	batch := []driver.Message{t.full(), t.message(), t.message()}
	t.sendDead(q, batch...)
	t.lease(d)
	time.Sleep(t.hold + t.b.Margin) // it lapses, and is moved like the others
	ctx, cancel := t.ctx(t.hold)
	defer cancel()
	told := driver.MoveReport{}
	report, err := d.MoveAll(ctx, driver.MoveOptions{Progress: func(r driver.MoveReport) { told = r }})
	if !t.b.MovesAll {
		t.code("move all", err, driver.Unsupported)
		t.audit(q, tally{Dead: n})
		t.refused()
		return
	}
	if err != nil {
		t.Fatalf("move all: %v", err)
	}
	if report.Moved != n || report.Total != n && report.Total != driver.Unreported {
		t.Errorf("report %+v; want %d moved", report, n)
	}
	if told.Moved < 1 || told.Moved > report.Moved {
		t.Errorf("progress told of %d moved, the report of %d", told.Moved, report.Moved)
	}
	t.hidden("moved messages, in the dead letter", d, 0)
	for _, l := range t.leases(q, n) {
		for _, m := range batch {
			if idOf(m.Body) == idOf(l.Message().Body) {
				t.same("moved", l.Message(), m)
				t.carries("moved", l.Message().Carry, m.Carry)
			}
		}
		if death := l.Message().Death; death == nil || death.Reason != testReason {
			t.Errorf("a moved message has death record %+v; want the one it died with", death)
		}
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: n})
}
