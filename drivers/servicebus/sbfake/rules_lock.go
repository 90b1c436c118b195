package sbfake

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

var lockRules = []rule{
	{"a received message is locked for the queue's lock duration", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		t.want(m.LockedUntil != nil && time.Until(*m.LockedUntil) > lockTime-3*time.Second && time.Until(*m.LockedUntil) < lockTime+3*time.Second,
			"it is locked until %v, at %v", m.LockedUntil, time.Now())
		t.nothing(r, soon)
		t.complete(r, m)
	}},
	{"a lock that runs out frees the message, and counts as a delivery", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		t.count(t.one(r, "x"), 1)
		m := t.oneWithin(r, "x", lockTime+10*time.Second)
		t.count(m, 2)
		t.complete(r, m)
	}},
	{"a renewal gives the whole duration again, from now", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		for range 3 {
			t.wait(3 * time.Second)
			t.do(func(ctx context.Context) error { return r.RenewMessageLock(ctx, m, nil) })
		}
		t.complete(r, m)
		t.nothing(r, soon)
	}},
	{"after its lock ran out a message is neither renewed nor completed", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		t.wait(lockTime + 2*time.Second)
		t.refused(t.try(func(ctx context.Context) error { return r.RenewMessageLock(ctx, m, nil) }), azservicebus.CodeLockLost)
		t.refused(t.completeByToken(r, m), azservicebus.CodeLockLost)
		t.complete(r, t.one(r, "x"))
	}},
	{"a completed message is not completed again", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		t.complete(r, m)
		t.refused(t.completeByToken(r, m), azservicebus.CodeLockLost)
	}},
	{"a lock outlives the link by which the message came", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		first, second := t.receiver(q, false), t.receiver(q, false)
		m := t.one(first, "x")
		t.do(first.Close)
		t.nothing(second, soon)
		t.must(t.completeByToken(second, m))
		t.nothing(second, lockTime+2*time.Second)
	}},
}
