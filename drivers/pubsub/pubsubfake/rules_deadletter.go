package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

// pair creates a queue whose messages are forwarded after five deliveries, and the
// queue that they go to.
func (t *trial) pair() (topic, sub, deadTopic, dead string) {
	deadTopic = t.topic("dead")
	dead = t.subscription("dead-sub", deadTopic)
	topic, sub = t.queue(withDead(deadTopic, 5))
	return topic, sub, deadTopic, dead
}

// attempts delivers a message n times, nacks it after each and gives the last
// delivery.
func (t *trial) attempts(sub string, n int32) *pubsubpb.ReceivedMessage {
	var m *pubsubpb.ReceivedMessage
	for i := range n {
		m = t.one(sub)
		t.want(m.GetDeliveryAttempt() == i+1, "the attempt is %d, want %d", m.GetDeliveryAttempt(), i+1)
		t.nack(sub, m)
	}
	return m
}

// forwarded waits for a message in dead. Somebody pulls the source meanwhile.
func (t *trial) forwarded(sub, dead string) *pubsubpb.ReceivedMessage {
	t.nothing(sub, time.Second)
	return t.oneWithin(dead, 5*time.Second)
}

func refusesAttempts(n int32) func(t *trial) {
	return func(t *trial) {
		_, err := t.subscribe("sub", t.topic("topic"), withDead(t.topic("dead"), n))
		t.refused(err, codes.InvalidArgument, codes.OutOfRange) // which of them the service says is not known
	}
}

var deadLetterRules = []rule{
	{"attempts count nacks and ends of ack deadlines, and no changes of them", reference("ReceivedMessage"), func(t *trial) {
		topic, sub, _, _ := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 1)
		m := t.one(sub)
		t.must(t.modack(sub, 30, m))
		t.must(t.modack(sub, 1, m))
		m = t.oneWithin(sub, 4*time.Second)
		t.want(m.GetDeliveryAttempt() == 3, "the attempt is %d, want 3", m.GetDeliveryAttempt())
	}},
	{"each subscription counts attempts for itself", reference("ReceivedMessage"), func(t *trial) {
		topic, sub, deadTopic, _ := t.pair()
		other := t.subscription("other", topic, withDead(deadTopic, 5))
		t.publish(topic, "x")
		t.attempts(sub, 3)
		n := t.one(other).GetDeliveryAttempt()
		t.want(n == 1, "the attempt is %d, want 1", n)
	}},
	{"a message goes to the dead-letter topic after the last attempt", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 5)
		t.got([]*pubsubpb.ReceivedMessage{t.forwarded(sub, dead)}, "x")
		t.nothing(sub, time.Second)
	}},
	{"a message goes to the dead-letter topic when its last ack deadline ends", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 4)
		t.must(t.modack(sub, 1, t.one(sub)))
		t.nothing(sub, 3*time.Second)
		t.oneWithin(dead, 5*time.Second)
	}},
	{"a message is forwarded without a Pull of its subscription", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 5)
		t.oneWithin(dead, 12*time.Second)
	}},
	{"a forwarded message keeps its attributes and says where it came from", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		ids, err := t.tryPublish(topic, &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"a": "b"}})
		t.must(err)
		m := t.attempts(sub, 5)
		d := t.forwarded(sub, dead)
		if t.err != nil {
			return
		}
		a := d.GetMessage().GetAttributes()
		t.want(a["a"] == "b" && a[sourceCount] == "5" && sub == "projects/"+a[sourceProject]+"/subscriptions/"+a[sourceName], "the attributes are %v", a)
		at, err := time.Parse(time.RFC3339Nano, a[sourceTime])
		t.must(err)
		t.want(at.Sub(m.GetMessage().GetPublishTime().AsTime()).Abs() < time.Second, "the publish time is %v, want %v", at, m.GetMessage().GetPublishTime().AsTime())
		t.want(d.GetMessage().GetMessageId() != ids[0], "the id is the same")
		t.want(d.GetDeliveryAttempt() == 0, "the attempt is %d, want 0", d.GetDeliveryAttempt())
	}},
	{"acknowledging the last attempt keeps a message from the dead-letter topic", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 4)
		t.must(t.ack(sub, t.one(sub)))
		t.nothing(sub, time.Second)
		t.nothing(dead, time.Second)
	}},
	{"an acknowledged dead letter does not come back", pageDeadLetter, func(t *trial) {
		topic, sub, _, dead := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 5)
		t.must(t.ack(dead, t.forwarded(sub, dead)))
		t.nothing(sub, time.Second)
		t.nothing(dead, 3*time.Second)
	}},
	{"what is forwarded to a topic without subscription is lost", reference("DeadLetterPolicy"), func(t *trial) {
		deadTopic := t.topic("dead")
		topic, sub := t.queue(withDead(deadTopic, 5))
		t.publish(topic, "x")
		t.attempts(sub, 5)
		t.nothing(sub, 2*time.Second)
		t.nothing(t.subscription("late", deadTopic), 2*time.Second)
	}},
	{"without its dead-letter topic a message is delivered on", measured, func(t *trial) {
		topic, sub, deadTopic, _ := t.pair()
		t.publish(topic, "x")
		t.attempts(sub, 4)
		t.must(t.deleteTopic(deadTopic))
		t.nack(sub, t.one(sub))
		n := t.one(sub).GetDeliveryAttempt()
		t.want(n == 6, "the attempt is %d, want 6", n)
	}},
	{"a dead-letter topic must exist", reference("DeadLetterPolicy"), func(t *trial) {
		_, err := t.subscribe("sub", t.topic("topic"), withDead(t.topicName("missing"), 5))
		t.refused(err, codes.NotFound)
	}},
	{"max_delivery_attempts of 4 is refused", reference("DeadLetterPolicy"), refusesAttempts(4)},
	{"max_delivery_attempts of 101 is refused", reference("DeadLetterPolicy"), refusesAttempts(101)},
	{"max_delivery_attempts is 5 when it is not said", reference("DeadLetterPolicy"), func(t *trial) {
		sub := t.subscription("sub", t.topic("topic"), withDead(t.topic("dead"), 0))
		n := t.get(sub).GetDeadLetterPolicy().GetMaxDeliveryAttempts()
		t.want(n == 5, "it is %d", n)
	}},
}
