package conformance

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var settleChecks = []Check{
	{Name: "settle-order-of-results", Doc: "Settle answers one result a settlement, in order; verdicts may differ, and one bad settlement fails alone.", run: settleOrderOfResults},
	{Name: "settle-over-batch", Doc: "A Settle over the batch limit is InvalidArgument in every slot and settles nothing.", run: settleOverBatch},
	{Name: "settle-invalid-verdict", Doc: "The zero verdict and unknown ones are InvalidArgument and leave the lease as it is.", run: settleInvalidVerdict},
	{Name: "settle-foreign-lease", Doc: "No lease, a lease of somebody else's type, of another queue, or of the other source is InvalidArgument.", run: settleForeignLease},
	{Name: "settle-on-dead-letter", Doc: "The dead letter settles batches of acks, releases and redrives like the queue.", run: settleOnDeadLetter},
}

func settleOrderOfResults(t *T) {
	q := t.open()
	t.send(q, t.messages(4)...)
	ls := t.leases(q, 4)
	batch := []driver.Settlement{
		{Lease: ls[1]},
		{Lease: ls[0], Verdict: driver.Ack},
		{Lease: ls[2], Verdict: driver.Release},
		{Lease: nil, Verdict: driver.Ack},
		{Lease: ls[3], Verdict: driver.Bury, Reason: testReason},
	}
	bad := map[int]bool{0: true, 3: true} // their mirror is another
	for i, err := range t.settle(q, batch...) {
		if bad[i] {
			t.code("settle of a bad item", err, driver.InvalidArgument)
		} else if err != nil {
			t.Errorf("settle item %d, a good one: %v", i, err)
		}
	}
	l, _ := t.again(q, ls[2], 0)
	t.ack(q, l, ls[1])
	t.audit(q, tally{Processed: 3, Dead: 1})
}

func settleOverBatch(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	for name, s := range sources(q) {
		l := t.lease(s)
		over := make([]driver.Settlement, t.caps.MaxSettleBatch+1)
		for i := range over {
			over[i] = driver.Settlement{Lease: l, Verdict: driver.Ack}
		}
		for _, err := range t.settle(s, over...) {
			t.code(name+": settle in a batch over the limit", err, driver.InvalidArgument)
		}
		t.intact(name+": a refused batch", s, l)
		full := make([]driver.Settlement, t.caps.MaxSettleBatch)
		full[0] = driver.Settlement{Lease: l, Verdict: driver.Ack}
		if err := t.settle(s, full...)[0]; err != nil {
			t.Errorf("%s: settle in a full batch: %v", name, err)
		}
	}
	t.audit(q, tally{Processed: 2})
}

func settleInvalidVerdict(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	for name, s := range sources(q) {
		l := t.lease(s)
		for _, v := range []driver.Verdict{0, driver.Redrive + 1, 99} {
			t.refuse(name+": an invalid verdict", s, driver.Settlement{Lease: l, Verdict: v}, driver.InvalidArgument)
		}
		t.ack(s, l)
	}
	t.audit(q, tally{Processed: 2})
}

// foreign is a lease that no driver knows.
type foreign struct{ message driver.Message }

func (f foreign) Message() driver.Message { return f.message }
func (foreign) Attempt() int              { return 1 }
func (foreign) Received() time.Time       { return time.Now() }
func (foreign) Expires() time.Time        { return time.Now().Add(time.Hour) }
func (foreign) As(any) bool               { return false }

func settleForeignLease(t *T) {
	q := t.open()
	other := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	t.send(other, t.message())
	live, dead, alien := t.lease(q), t.lease(q.DeadLetter()), t.lease(other)
	for name, at := range map[string]struct {
		s driver.Source
		l driver.Lease
	}{
		"no lease":                         {q, nil},
		"no lease, on the dead letter":     {q.DeadLetter(), nil},
		"a lease of another type":          {q, foreign{live.Message()}},
		"a lease of another queue":         {q, alien},
		"a dead letter's lease":            {q, dead},
		"a queue's lease, on dead letters": {q.DeadLetter(), live},
	} {
		t.code("extend of "+name, t.extend(at.s, 0, at.l)[0].Err, driver.InvalidArgument)
		ctx, cancel := t.ctx(0)
		errs := at.s.Settle(ctx, []driver.Settlement{{Lease: at.l, Verdict: driver.Ack}})
		cancel()
		if len(errs) != 1 {
			t.Fatalf("settle: %d results for 1 settlement", len(errs))
		}
		t.code("ack of "+name, errs[0], driver.InvalidArgument)
	}
	t.intact("a foreign lease", q, live)
	t.intact("a foreign lease", q.DeadLetter(), dead)
	t.intact("a foreign lease", other, alien)
	t.ack(q, live)
	t.ack(q.DeadLetter(), dead)
	t.ack(other, alien)
	t.audit(q, tally{Processed: 3})
}

func settleOnDeadLetter(t *T) {
	q := t.open()
	d := q.DeadLetter()
	t.sendDead(q, t.messages(4)...)
	ls := t.leases(d, 4)
	batch := []driver.Settlement{
		{Lease: ls[0], Verdict: driver.Redrive},
		{Lease: ls[1], Verdict: driver.Bury, Reason: testReason},
		{Lease: ls[2], Verdict: driver.Ack},
		{Lease: ls[3], Verdict: driver.Release},
	}
	for i, err := range t.settle(d, batch...) {
		if i == 1 {
			t.code("bury of a dead letter", err, driver.InvalidArgument)
		} else if err != nil {
			t.Errorf("settle item %d, a good one: %v", i, err)
		}
	}
	t.again(d, ls[3], 0)
	t.audit(q, tally{Processed: 1, Live: 1, Dead: 2})
}
