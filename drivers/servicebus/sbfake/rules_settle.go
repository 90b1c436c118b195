package sbfake

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

var settleRules = []rule{
	{"an abandoned message comes again at once, at its old place, and the delivery counts", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("a"), text("b"))
		r := t.receiver(q, false)
		t.abandon(r, t.one(r, "a"))
		m := t.one(r, "a")
		t.count(m, 2)
		t.complete(r, m)
		t.complete(r, t.one(r, "b"))
	}},
	{"an abandon can set properties", pageLocks, func(t *trial) {
		q := t.queue()
		t.send(q, text("a"))
		r := t.receiver(q, false)
		m := t.one(r, "a")
		t.do(func(ctx context.Context) error {
			return r.AbandonMessage(ctx, m, &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"k": "v"}})
		})
		m = t.one(r, "a")
		t.want(m.ApplicationProperties["k"] == "v", "the properties are %v", m.ApplicationProperties)
		t.complete(r, m)
	}},
	{"what the client library gives back between two receives does not count", issueReleased, func(t *trial) {
		q := t.queue()
		r := t.receiver(q, false)
		t.send(q, text("a"))
		t.do(func(ctx context.Context) error {
			got, err := r.ReceiveMessages(ctx, 5, nil) // four credits stay with the link
			for _, m := range got {
				t.complete(r, m)
			}
			return err
		})
		t.send(q, text("b"))
		t.wait(soon)
		other := t.receiver(q, false)
		m := t.one(other, "b")
		t.count(m, 1)
		t.complete(other, m)
	}},
	{"after its maximum delivery count a message is a dead letter, with MaxDeliveryCountExceeded", pageDead, func(t *trial) {
		q := t.queue(deliveries(2))
		t.send(q, text("x"))
		r := t.receiver(q, false)
		t.abandon(r, t.one(r, "x"))
		t.abandon(r, t.one(r, "x"))
		t.nothing(r, soon)
		dead := t.receiver(q, true)
		m := t.one(dead, "x")
		t.want(m.DeadLetterReason != nil && *m.DeadLetterReason == "MaxDeliveryCountExceeded", "it died of %v", m.DeadLetterReason)
		t.complete(dead, m)
	}},
	{"a dead-lettered message has the reason, the description and properties that it was given", pageDead, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		reason, description := "why", "in more words"
		t.do(func(ctx context.Context) error {
			return r.DeadLetterMessage(ctx, m, &azservicebus.DeadLetterOptions{
				Reason: &reason, ErrorDescription: &description, PropertiesToModify: map[string]any{"k": "v"},
			})
		})
		dead := t.receiver(q, true)
		m = t.one(dead, "x")
		t.want(m.DeadLetterReason != nil && *m.DeadLetterReason == reason && m.DeadLetterErrorDescription != nil &&
			*m.DeadLetterErrorDescription == description && m.ApplicationProperties["k"] == "v", "the dead letter is %+v", m)
		t.complete(dead, m)
		t.nothing(dead, soon)
	}},
	{"a dead letter that comes again keeps its count", issueDead, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		m := t.one(r, "x")
		t.do(func(ctx context.Context) error { return r.DeadLetterMessage(ctx, m, nil) })
		dead := t.receiver(q, true)
		m = t.one(dead, "x")
		n := m.DeliveryCount
		t.abandon(dead, m)
		m = t.one(dead, "x")
		t.count(m, n)
		t.complete(dead, m)
	}},
	{"a deferred message comes to who asks for its number, and to nobody else", pageDefer, func(t *trial) {
		q := t.queue()
		t.send(q, text("x"))
		r := t.receiver(q, false)
		early := t.try(func(ctx context.Context) error {
			_, err := r.ReceiveDeferredMessages(ctx, []int64{1}, nil)
			return err
		})
		t.want(early != nil, "a message that is not deferred came by its number")
		m := t.one(r, "x")
		t.do(func(ctx context.Context) error { return r.DeferMessage(ctx, m, nil) })
		t.nothing(r, soon)
		t.do(func(ctx context.Context) error {
			got, err := r.ReceiveDeferredMessages(ctx, []int64{*m.SequenceNumber}, nil)
			if err == nil && len(got) == 1 {
				err = r.CompleteMessage(ctx, got[0], nil)
			}
			t.want(err != nil || len(got) == 1, "%d messages came", len(got))
			return err
		})
		t.nothing(r, lockTime+2*time.Second)
	}},
}
