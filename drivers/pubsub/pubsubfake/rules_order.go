package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

var orderRules = []rule{
	{"messages of one key come in the order of publishing", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		for _, text := range []string{"1", "2", "3", "4"} {
			t.publishKey(topic, "k", text)
		}
		for _, want := range []string{"1", "2", "3", "4"} {
			ms, err := t.tryPull(sub, 1, soon)
			t.must(err)
			t.got(ms, want)
			t.must(t.ack(sub, ms...))
		}
	}},
	{"a Pull gives several messages of one key, in their order", measured, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		t.got(t.pull(sub, 1, soon), "1", "2", "3")
	}},
	{"while a message is outstanding its key is not delivered, others are", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2")
		ms, err := t.tryPull(sub, 1, soon)
		t.must(err)
		t.got(ms, "1")
		t.nothing(sub, time.Second)
		t.publishKey(topic, "other", "a")
		t.publish(topic, "b")
		t.want(len(t.pull(sub, 2, soon)) == 2, "a message of another key and one without did not come")
		t.must(t.ack(sub, ms...))
		t.got(t.pull(sub, 1, soon), "2")
	}},
	{"a nacked message comes again before those after it, which come again too", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.got(ms, "1", "2", "3")
		if t.err != nil {
			return
		}
		t.nack(sub, ms[0])
		t.must(t.modack(sub, 2, ms[1:]...))
		t.got(t.pull(sub, 3, 5*time.Second), "1", "2", "3")
	}},
	{"a message whose ack deadline ends brings all after it again, in their order", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.got(ms, "1", "2", "3")
		if t.err != nil {
			return
		}
		t.must(t.modack(sub, 3, ms[1:]...))
		t.must(t.modack(sub, 1, ms[0]))
		t.got(t.pull(sub, 3, 6*time.Second), "1", "2", "3")
	}},
	{"a redelivered message brings acknowledged ones after it again", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.got(ms, "1", "2", "3")
		if t.err != nil {
			return
		}
		t.must(t.ack(sub, ms[1]))
		t.nack(sub, ms[2])
		t.nack(sub, ms[0])
		t.got(t.pull(sub, 3, 2*time.Second), "1", "2", "3")
	}},
	{"messages that are nacked together come again in their order", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.got(ms, "1", "2", "3")
		t.nack(sub, ms...)
		t.got(t.pull(sub, 3, 2*time.Second), "1", "2", "3")
	}},
	{"messages of one key may be acknowledged in any order", measured, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.got(ms, "1", "2", "3")
		if t.err != nil {
			return
		}
		t.must(t.modack(sub, 3, ms...))
		for _, i := range []int{1, 2, 0} {
			t.must(t.ack(sub, ms[i]))
		}
		t.nothing(sub, 5*time.Second)
	}},
	{"a message without a key that comes again brings no others", pageOrder, func(t *trial) {
		topic, sub := t.queue(withOrder)
		t.publish(topic, "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.want(len(ms) == 3, "%d messages came, want 3", len(ms))
		if t.err != nil {
			return
		}
		t.must(t.ack(sub, ms[1:]...))
		t.must(t.modack(sub, 1, ms[0]))
		t.got(t.pull(sub, 3, 4*time.Second), string(ms[0].GetMessage().GetData()))
	}},
	{"a message goes to the dead-letter topic from a subscription with order as well", pageDeadLetter, func(t *trial) {
		deadTopic := t.topic("dead")
		dead := t.subscription("dead-sub", deadTopic)
		topic, sub := t.queue(withOrder, withDead(deadTopic, 5))
		t.publishKey(topic, "k", "x")
		t.attempts(sub, 5)
		t.got([]*pubsubpb.ReceivedMessage{t.forwarded(sub, dead)}, "x")
	}},
	{"a subscription without order delivers a key while it is outstanding", pageOrder, func(t *trial) {
		topic, sub := t.queue()
		t.publishKey(topic, "k", "1")
		t.one(sub)
		t.publishKey(topic, "k", "2")
		t.got(t.pull(sub, 1, soon), "2")
	}},
}
