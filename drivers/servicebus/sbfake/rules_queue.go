package sbfake

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
)

var queueRules = []rule{
	{"a message that is scheduled comes when it is due, and not before", pageSequence, func(t *trial) {
		q := t.queue()
		at := time.Now().Add(6 * time.Second)
		t.send(q, &azservicebus.Message{Body: []byte("x"), ScheduledEnqueueTime: &at})
		r := t.receiver(q, false)
		t.nothing(r, 3*time.Second)
		t.complete(r, t.one(r, "x"))
	}},
	{"a scheduled message can be cancelled by its number, once", pageSequence, func(t *trial) {
		q := t.queue()
		t.do(func(ctx context.Context) error {
			s, err := t.clients.Messages.NewSender(q, nil)
			if err != nil {
				return err
			}
			defer s.Close(ctx)
			numbers, err := s.ScheduleMessages(ctx, []*azservicebus.Message{text("x")}, time.Now().Add(4*time.Second), nil)
			if err != nil {
				return err
			}
			return s.CancelScheduledMessages(ctx, numbers, nil)
		})
		t.nothing(t.receiver(q, false), 6*time.Second)
	}},
	{"messages are shown without a lock, in any state", pageBrowse, func(t *trial) {
		q := t.queue()
		at := time.Now().Add(time.Hour)
		t.send(q, text("a"), &azservicebus.Message{Body: []byte("b"), ScheduledEnqueueTime: &at})
		r := t.receiver(q, false)
		m := t.one(r, "a")
		got := t.peeked(r)
		t.want(slices.Equal(got, []string{"a", "b"}), "shown are %v", got)
		t.complete(r, m)
	}},
	{"a message that expires is a dead letter where the queue says so, with TTLExpiredException", pageExpire, func(t *trial) {
		q := t.queue(func(p *admin.QueueProperties) {
			p.DeadLetteringOnMessageExpiration = new(bool)
			*p.DeadLetteringOnMessageExpiration = true
		})
		ttl := 3 * time.Second
		t.send(q, &azservicebus.Message{Body: []byte("x"), TimeToLive: &ttl})
		t.wait(5 * time.Second)
		t.nothing(t.receiver(q, false), soon)
		dead := t.receiver(q, true)
		m := t.one(dead, "x")
		t.want(m.DeadLetterReason != nil && *m.DeadLetterReason == "TTLExpiredException", "it died of %v", m.DeadLetterReason)
		t.complete(dead, m)
	}},
	{"a message with an id that came within the window is dropped, and the send succeeds", pageDuplicate, func(t *trial) {
		window := "PT20S"
		q := t.queue(func(p *admin.QueueProperties) {
			p.RequiresDuplicateDetection, p.DuplicateDetectionHistoryTimeWindow = new(bool), &window
			*p.RequiresDuplicateDetection = true
		})
		id := "same"
		m := &azservicebus.Message{Body: []byte("x"), MessageID: &id}
		t.send(q, m, m)
		r := t.receiver(q, false)
		t.complete(r, t.one(r, "x"))
		t.send(q, m)
		t.nothing(r, 2*soon)
	}},
	{"a message over the size of the tier is refused", pageQuotas, func(t *trial) {
		q := t.queue()
		err := t.try(func(context.Context) error {
			return t.trySend(q, &azservicebus.Message{Body: bytes.Repeat([]byte("x"), 2<<20)})
		})
		t.want(err != nil, "2 MiB were taken")
	}},
	{"a queue that is not there is not found", pageErrors, func(t *trial) {
		t.refused(t.try(func(context.Context) error { return t.trySend(t.prefix+"-none", text("x")) }), azservicebus.CodeNotFound)
	}},
	{"a lock duration of more than five minutes is refused", pageLocks, func(t *trial) {
		lock := "PT5M1S"
		_, err := t.clients.Admin.CreateQueue(t.ctx, t.prefix+"-long", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{LockDuration: &lock}})
		t.want(err != nil, "it was made")
	}},
	{"the counts are those of active, scheduled and dead messages", pageBrowse, func(t *trial) {
		q := t.queue()
		at := time.Now().Add(time.Hour)
		t.send(q, text("a"), text("b"), &azservicebus.Message{Body: []byte("c"), ScheduledEnqueueTime: &at})
		r := t.receiver(q, false)
		m := t.one(r, "a")
		t.do(func(ctx context.Context) error { return r.DeadLetterMessage(ctx, m, nil) })
		t.do(func(ctx context.Context) error {
			got, err := t.clients.Admin.GetQueueRuntimeProperties(ctx, q, nil)
			if err == nil {
				t.want(got.ActiveMessageCount == 1 && got.ScheduledMessageCount == 1 && got.DeadLetterMessageCount == 1, "the counts are %+v", got.QueueRuntimeProperties)
			}
			return err
		})
	}},
}
