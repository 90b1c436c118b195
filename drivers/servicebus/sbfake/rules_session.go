package sbfake

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

var sessionRules = []rule{
	{"a queue with sessions takes no message without one", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		err := t.try(func(context.Context) error { return t.trySend(q, text("x")) })
		t.want(err != nil, "it was taken")
	}},
	{"a queue with sessions has no receiver without one", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		r := t.receiver(q, false)
		if t.err != nil {
			return
		}
		ctx, cancel := t.within(50 * time.Second) // the client tries a refused link again, for a while
		defer cancel()
		got, err := r.ReceiveMessages(ctx, 1, nil)
		t.want(err != nil && ctx.Err() == nil, "it receives: %d messages, %v", len(got), err)
	}},
	{"one receiver at a time has a session, and its messages come in order", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		t.send(q, inSession("a"), inSession("b"))
		s := t.accept(q)
		err := t.try(func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			_, err := t.clients.Messages.AcceptSessionForQueue(short, q, "s", nil)
			return err
		})
		t.want(err != nil, "two have the session")
		t.do(func(ctx context.Context) error { return s.RenewSessionLock(ctx, nil) })
		t.complete(s, t.one(s, "a"))
		t.complete(s, t.one(s, "b"))
	}},
	{"who asks for any session gets one that has messages, or none in time", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		t.refused(t.try(func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			_, err := t.clients.Messages.AcceptNextSessionForQueue(short, q, nil)
			return err
		}), azservicebus.CodeTimeout)
		t.send(q, inSession("a"))
		t.do(func(ctx context.Context) error {
			s, err := t.clients.Messages.AcceptNextSessionForQueue(ctx, q, nil)
			if err == nil {
				t.receivers = append(t.receivers, s)
				t.want(s.SessionID() == "s", "session %q came", s.SessionID())
				t.complete(s, t.one(s, "a"))
			}
			return err
		})
	}},
	{"a session that is closed is free at once, and its messages do not count as delivered", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		t.send(q, inSession("a"))
		s := t.accept(q)
		t.one(s, "a")
		t.do(s.Close)
		s = t.accept(q)
		m := t.one(s, "a")
		t.count(m, 1)
		t.complete(s, m)
	}},
	{"a session whose lock runs out is free, and its messages count as delivered", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		t.send(q, inSession("a"))
		s := t.accept(q)
		t.one(s, "a")
		t.wait(lockTime + 2*time.Second)
		s = t.accept(q)
		m := t.one(s, "a")
		t.count(m, 2)
		t.complete(s, m)
	}},
	{"an abandoned message of a session comes before those behind it", pageSessions, func(t *trial) {
		q := t.queue(withSessions)
		t.send(q, inSession("a"), inSession("b"))
		s := t.accept(q)
		t.abandon(s, t.one(s, "a"))
		t.complete(s, t.one(s, "a"))
		t.complete(s, t.one(s, "b"))
	}},
}
