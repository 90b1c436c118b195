package pubsubfake

import (
	"time"

	"google.golang.org/grpc/codes"
)

var exactlyOnceRules = []rule{
	{"exactly once: a message is acknowledged within its ack deadline", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.modack(sub, 2, m))
		t.must(t.ack(sub, m))
		t.nothing(sub, 4*time.Second)
	}},
	{"exactly once: a superseded ack id fails", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		old, current := t.again(topic, sub)
		t.lost(t.ack(sub, old), old)
		t.lost(t.modack(sub, 10, old), old)
		t.must(t.ack(sub, current))
		t.nothing(sub, time.Second)
	}},
	{"exactly once: acknowledging twice fails", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.ack(sub, m))
		t.lost(t.ack(sub, m), m)
	}},
	{"exactly once: an ack id fails after its nack", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "x")
		m := t.one(sub)
		t.nack(sub, m)
		t.lost(t.ack(sub, m), m)
		t.one(sub)
	}},
	{"exactly once: an ack id fails after its ack deadline", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.modack(sub, 1, m))
		t.wait(2500 * time.Millisecond)
		t.lost(t.ack(sub, m), m)
		t.one(sub)
	}},
	{"exactly once: ack ids fail alone", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "1", "2", "3")
		ms := t.pull(sub, 3, soon)
		t.want(len(ms) == 3, "pulled %q", texts(ms))
		if t.err != nil {
			return
		}
		t.must(t.ack(sub, ms[1]))
		t.lost(t.ack(sub, ms...), ms[1])
		t.lost(t.ack(sub, ms[0]), ms[0])
		t.nothing(sub, time.Second)
	}},
	{"exactly once: an ack id that was never given is invalid without more", measured, func(t *trial) {
		_, sub := t.queue(withExactlyOnce)
		err := t.ackIDs(sub, "junk")
		t.refused(err, codes.InvalidArgument)
		t.want(len(failures(err)) == 0, "the error names ack ids: %v", failures(err))
	}},
	{"exactly once: a message does not come while it is outstanding", pageExactlyOnce, func(t *trial) {
		topic, sub := t.queue(withExactlyOnce)
		t.publish(topic, "x")
		m := t.one(sub)
		t.nothing(sub, 5*time.Second)
		t.must(t.ack(sub, m))
	}},
}
