package pubsubfake

import (
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

// refusesMessage publishes a message that must be refused.
func refusesMessage(m *pubsubpb.PubsubMessage) func(t *trial) {
	return func(t *trial) {
		_, err := t.tryPublish(t.topic("topic"), m)
		t.refused(err, codes.InvalidArgument)
	}
}

func withAttributes(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("a", i)] = "v"
	}
	return m
}

var publishRules = []rule{
	{"a message comes with what was published, an id and a time", reference("PubsubMessage"), func(t *trial) {
		topic, sub := t.queue()
		sent := &pubsubpb.PubsubMessage{Data: []byte("hello"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"}
		ids, err := t.tryPublish(topic, sent)
		t.must(err)
		m := t.one(sub).GetMessage()
		t.want(len(ids) == 1 && m.GetMessageId() == ids[0], "the id is %q, Publish answered %q", m.GetMessageId(), ids)
		t.want(string(m.GetData()) == "hello" && len(m.GetAttributes()) == 1 && m.GetAttributes()["a"] == "b" && m.GetOrderingKey() == "k",
			"it came as %q with attributes %v and key %q", m.GetData(), m.GetAttributes(), m.GetOrderingKey())
		t.want(m.GetPublishTime().AsTime().Year() > 1999, "the publish time is %v", m.GetPublishTime().AsTime())
	}},
	{"ids are distinct, and in the order of the messages", reference("PublishResponse"), func(t *trial) {
		topic, sub := t.queue()
		ids := t.publish(topic, "0", "1", "2")
		t.want(len(ids) == 3 && ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "the ids are %q", ids)
		for _, m := range t.pull(sub, 3, soon) {
			i := m.GetMessage().GetData()[0] - '0'
			t.want(m.GetMessage().GetMessageId() == ids[i], "message %d has the id %s, want %s", i, m.GetMessage().GetMessageId(), ids[i])
		}
	}},
	{"every subscription of a topic gets a message", pagePull, func(t *trial) {
		topic, sub := t.queue()
		other := t.subscription("other", topic)
		t.publish(topic, "x")
		t.must(t.ack(sub, t.one(sub)))
		t.got(t.pull(other, 1, soon), "x")
	}},
	{"a subscription gets no message that was published before it", reference("CreateSubscription"), func(t *trial) {
		topic := t.topic("topic")
		t.publish(topic, "early")
		sub := t.subscription("sub", topic)
		t.publish(topic, "late")
		t.got(t.pull(sub, 2, time.Second), "late")
	}},
	{"a message with attributes only is taken", reference("PubsubMessage"), func(t *trial) {
		topic, sub := t.queue()
		_, err := t.tryPublish(topic, &pubsubpb.PubsubMessage{Attributes: map[string]string{"a": "b"}})
		t.must(err)
		t.one(sub)
	}},
	{"an empty message is refused", reference("PubsubMessage"), refusesMessage(&pubsubpb.PubsubMessage{})},
	{"an ordering key makes no message of nothing", reference("PubsubMessage"), refusesMessage(&pubsubpb.PubsubMessage{OrderingKey: "k"})},
	{"a request without messages is refused", reference("PublishRequest"), func(t *trial) {
		_, err := t.tryPublish(t.topic("topic"))
		t.refused(err, codes.InvalidArgument)
	}},
	{"1,000 messages in a request are taken", pageQuotas, func(t *trial) {
		t.publish(t.topic("topic"), make1000()...)
	}},
	{"1,001 messages in a request are refused", pageQuotas, func(t *trial) {
		var ms []*pubsubpb.PubsubMessage
		for _, text := range append(make1000(), "x") {
			ms = append(ms, &pubsubpb.PubsubMessage{Data: []byte(text)})
		}
		_, err := t.tryPublish(t.topic("topic"), ms...)
		t.refused(err, codes.InvalidArgument)
	}},
	{"a message of 9 MB is taken and comes", pageQuotas, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, long(9_000_000))
		m := t.one(sub)
		t.want(len(m.GetMessage().GetData()) == 9_000_000, "it came with %d bytes", len(m.GetMessage().GetData()))
	}},
	{"a message of more than 10 MB is refused", pageQuotas + " and googleapis/google-cloud-python#5898", refusesMessage(&pubsubpb.PubsubMessage{Data: []byte(long(10_000_001))})},
	{"a message of 11 MB is refused as invalid", pageQuotas, refusesMessage(&pubsubpb.PubsubMessage{Data: []byte(long(11_000_000))})},
	{"messages of more than 10 MB in a request are refused", pageQuotas, func(t *trial) {
		half := &pubsubpb.PubsubMessage{Data: []byte(long(5_100_000))}
		_, err := t.tryPublish(t.topic("topic"), half, half)
		t.refused(err, codes.InvalidArgument)
	}},
	{"100 attributes are taken", pageQuotas, func(t *trial) {
		_, err := t.tryPublish(t.topic("topic"), &pubsubpb.PubsubMessage{Attributes: withAttributes(100)})
		t.must(err)
	}},
	{"101 attributes are refused", pageQuotas, refusesMessage(&pubsubpb.PubsubMessage{Attributes: withAttributes(101)})},
	{"an attribute with a key of 257 bytes is refused", pageQuotas + " and googleapis/java-pubsub#2312", refusesMessage(&pubsubpb.PubsubMessage{Attributes: map[string]string{long(257): "v"}})},
	{"an attribute with a value of 1,025 bytes is refused", pageQuotas + " and snowplow/enrich#485", refusesMessage(&pubsubpb.PubsubMessage{Attributes: map[string]string{"a": long(1025)}})},
	{"an attribute whose key begins with goog is refused", pagePublish, refusesMessage(&pubsubpb.PubsubMessage{Attributes: map[string]string{"googa": "v"}})},
	{"an ordering key of 1,025 bytes is refused", pageQuotas, refusesMessage(&pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: long(1025)})},
	{"the messages of a request have the same ordering key", reference("PubsubMessage") + " and yoshidan/google-cloud-rust#226", func(t *trial) {
		_, err := t.tryPublish(t.topic("topic"), &pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: "a"}, &pubsubpb.PubsubMessage{Data: []byte("y"), OrderingKey: "b"})
		t.refused(err, codes.FailedPrecondition)
	}},
	{"a topic that does not exist is said not to", reference("Publish"), func(t *trial) {
		_, err := t.tryPublish(t.topicName("missing"), &pubsubpb.PubsubMessage{Data: []byte("x")})
		t.refused(err, codes.NotFound)
	}},
}

func make1000() []string {
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = "x"
	}
	return texts
}
