package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

// again delivers a message twice, the second time for long, and gives both.
func (t *trial) again(topic, sub string) (old, current *pubsubpb.ReceivedMessage) {
	t.publish(topic, "x")
	old = t.one(sub)
	t.must(t.modack(sub, 1, old))
	current = t.oneWithin(sub, 4*time.Second)
	return old, current
}

var settleRules = []rule{
	{"an acknowledged message does not come back", reference("Acknowledge"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.modack(sub, 1, m))
		t.must(t.ack(sub, m))
		t.nothing(sub, 3*time.Second)
	}},
	{"acknowledging twice succeeds", reference("Acknowledge"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.ack(sub, m))
		t.must(t.ack(sub, m))
	}},
	{"acknowledging after the ack deadline deletes, unless the message was delivered again", reference("Acknowledge"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.modack(sub, 1, m))
		t.wait(2500 * time.Millisecond)
		t.must(t.ack(sub, m))
		t.nothing(sub, 2*time.Second)
	}},
	{"changing the ack deadline after it has passed hides the message again", measured, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.modack(sub, 1, m))
		t.wait(2500 * time.Millisecond)
		t.must(t.modack(sub, 10, m))
		t.nothing(sub, 5*time.Second)
		t.must(t.ack(sub, m))
		t.nothing(sub, 6*time.Second)
	}},
	{"acknowledging with a superseded ack id succeeds and deletes nothing", measured, func(t *trial) {
		topic, sub := t.queue()
		old, current := t.again(topic, sub)
		t.must(t.ack(sub, old))
		t.nack(sub, current)
		t.one(sub)
	}},
	{"changing the ack deadline with a superseded ack id succeeds and changes nothing", measured, func(t *trial) {
		topic, sub := t.queue()
		old, current := t.again(topic, sub)
		t.must(t.modack(sub, 0, old))
		t.nothing(sub, 2*time.Second)
		t.must(t.ack(sub, current))
		t.nothing(sub, time.Second)
	}},
	{"acknowledging after a nack succeeds and deletes nothing", measured, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.nack(sub, m)
		t.must(t.ack(sub, m))
		t.one(sub)
	}},
	{"an ack id that was never given is refused", reference("Acknowledge"), func(t *trial) {
		_, sub := t.queue()
		t.refused(t.ackIDs(sub, "junk"), codes.InvalidArgument)
		t.refused(t.modackIDs(sub, 10, "junk"), codes.InvalidArgument)
	}},
	{"an empty ack id is refused", reference("Acknowledge"), func(t *trial) {
		_, sub := t.queue()
		t.refused(t.ackIDs(sub, ""), codes.InvalidArgument)
	}},
	{"a request without ack ids is refused", reference("AcknowledgeRequest"), func(t *trial) {
		_, sub := t.queue()
		t.refused(t.ackIDs(sub), codes.InvalidArgument)
		t.refused(t.modackIDs(sub, 10), codes.InvalidArgument)
	}},
	{"an ack id of another subscription is refused", reference("Acknowledge"), func(t *trial) {
		topic, sub := t.queue()
		other := t.subscription("other", topic)
		t.publish(topic, "x")
		t.refused(t.ack(other, t.one(sub)), codes.InvalidArgument)
	}},
	{"1,000 ack ids in a request are taken", pageQuotas, func(t *trial) {
		topic, sub := t.queue(withHold(60))
		t.publish(topic, make1000()...)
		ms := t.pull(sub, 1000, soon)
		t.want(len(ms) == 1000, "pulled %d messages", len(ms))
		t.must(t.modack(sub, 60, ms...))
		t.must(t.ack(sub, ms...))
	}},
	{"a request of more than 512 KiB is refused", pageQuotas + " and GoogleCloudPlatform/pubsub#253", func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		if t.err != nil {
			return
		}
		var ids []string
		for size := 0; size <= maxSettle; size += len(m.GetAckId()) + 2 {
			ids = append(ids, m.GetAckId())
		}
		t.refused(t.ackIDs(sub, ids...), codes.InvalidArgument)
		t.refused(t.modackIDs(sub, 10, ids...), codes.InvalidArgument)
	}},
	{"nothing is settled on a subscription that does not exist", reference("Acknowledge"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.refused(t.ack(t.subscriptionName("missing"), m), codes.NotFound)
		t.refused(t.modack(t.subscriptionName("missing"), 10, m), codes.NotFound)
	}},
}
