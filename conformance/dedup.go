package conformance

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var dedupChecks = []Check{
	{Name: "dedup-drops", Doc: "A second message with the same DedupKey is dropped within the window and answered with the first one's id; or the key is refused as Unsupported.", run: dedupDrops},
	{Name: "dedup-window", Doc: "After the window the same DedupKey is taken again, and another key always is.", run: dedupWindow},
	{Name: "dedup-retried-send", Doc: "A send that is retried under the same SendID makes no second message.", run: dedupRetriedSend},
	{Name: "dedup-swallows-no-copy", Doc: "A deduplicating broker swallows neither the buried nor the redriven nor the moved copy of a message.", run: dedupSwallowsNoCopy},
}

// keyed is a message with a DedupKey.
func (t *T) keyed(key string) driver.Message {
	m := t.message()
	m.DedupKey = key
	return m
}

// withoutDedup checks the refusal where keys are not supported.
func (t *T) withoutDedup(q driver.Queue) bool {
	if t.caps.Dedup.Supported() {
		return false
	}
	t.rejects("a deduplication key", q, t.keyed("key"), driver.Unsupported)
	t.audit(q, tally{})
	t.refused()
	return true
}

// resend sends a message that must be dropped for the one with the given id.
func (t *T) resend(q driver.Queue, m driver.Message, first string) {
	r := t.trySend(q, m)[0]
	if r.Err != nil {
		t.Fatalf("send of a duplicate: %v", r.Err)
	}
	if r.ID != first {
		t.Errorf("a dropped message was answered with id %q; want %q, the first one's", r.ID, first)
	}
	t.ledger.dropped(m)
}

func dedupDrops(t *T) {
	q := t.open()
	if t.withoutDedup(q) {
		return
	}
	first := t.send(q, t.keyed("key"))[0]
	t.resend(q, t.keyed("key"), first)
	pair := []driver.Message{t.keyed("pair"), t.keyed("pair")}
	if ids := t.send(q, pair...); ids[0] != ids[1] {
		t.Errorf("duplicates in one batch were answered with ids %q", ids)
	}
	t.ledger.dropped(pair[1])
	ls := t.leases(q, 2)
	for _, l := range ls {
		t.same("received", l.Message(), driver.Message{Body: l.Message().Body})
	}
	t.resend(q, t.keyed("key"), first) // while it is leased
	t.ack(q, ls...)
	t.resend(q, t.keyed("key"), first) // after it is gone
	t.audit(q, tally{Processed: 2})
}

func dedupWindow(t *T) {
	q := t.open()
	if t.withoutDedup(q) {
		return
	}
	t.takes(t.b.DedupWindow)
	start := time.Now()
	first := t.send(q, t.keyed("key"), t.keyed("other"))[0]
	time.Sleep(t.b.DedupWindow / 2)
	t.resend(q, t.keyed("key"), first)
	time.Sleep(time.Until(start.Add(t.b.DedupWindow+t.b.Margin)) + t.grace)
	t.send(q, t.keyed("key"))
	t.ackAll(q, t.leases(q, 3))
	t.audit(q, tally{Processed: 3})
}

func dedupRetriedSend(t *T) {
	q := t.open()
	if t.withoutDedup(q) {
		return
	}
	m := t.keyed("key")
	m.SendID = "send-1"
	first := t.send(q, m)[0]
	t.resend(q, m, first)
	t.ack(q, t.lease(q))
	t.audit(q, tally{Processed: 1})
}

func dedupSwallowsNoCopy(t *T) {
	q := t.open()
	if t.withoutDedup(q) {
		return
	}
	d := q.DeadLetter()
	t.send(q, t.keyed("key"))
	l := t.lease(q)
	for range 2 {
		t.bury(q, l)
		t.redrive(d, t.lease(d))
		l = t.lease(q)
	}
	if t.b.MovesAll {
		t.bury(q, l)
		ctx, cancel := t.ctx(t.hold)
		defer cancel()
		if _, err := d.MoveAll(ctx, driver.MoveOptions{}); err != nil {
			t.Fatalf("move all: %v", err)
		}
		l = t.lease(q)
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}
