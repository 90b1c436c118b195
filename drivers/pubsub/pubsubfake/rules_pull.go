package pubsubfake

import (
	"time"

	"google.golang.org/grpc/codes"
)

func refusesLimit(limit int32) func(t *trial) {
	return func(t *trial) {
		_, sub := t.queue()
		_, err := t.tryPull(sub, limit, soon)
		t.refused(err, codes.InvalidArgument)
	}
}

// pulledLater pulls in the background, with time for event to happen, and wants a
// message.
func (t *trial) pulledLater(sub string, event func()) {
	done := t.background(func() error {
		ms, err := t.tryPull(sub, 10, 8*time.Second)
		if err == nil && len(ms) == 0 {
			err = errNothing
		}
		return err
	})
	t.wait(time.Second)
	event()
	start := time.Now()
	err := done()
	t.must(err)
	t.want(time.Since(start) < soon, "it came after %v", time.Since(start))
}

var pullRules = []rule{
	{"a Pull gives at most max_messages", reference("PullRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "1", "2", "3")
		ms, err := t.tryPull(sub, 2, soon)
		t.must(err)
		t.want(len(ms) > 0 && len(ms) < 3, "it gave %q", texts(ms))
	}},
	{"a Pull gives what there is, without waiting for max_messages", pagePull, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		start := time.Now()
		ms, err := t.tryPull(sub, 100, 10*time.Second)
		t.must(err)
		t.want(len(ms) == 1 && time.Since(start) < soon, "it gave %q after %v", texts(ms), time.Since(start))
	}},
	{"a Pull that waits is answered when a message is published", reference("PullRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.pulledLater(sub, func() { t.publish(topic, "x") })
	}},
	{"a Pull that waits is answered when a message is nacked", pageLease, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.pulledLater(sub, func() { t.nack(sub, m) })
	}},
	{"an empty Pull waits for all of its time but a second", measured + " and googleapis/python-pubsub#343", func(t *trial) {
		_, sub := t.queue()
		start := time.Now()
		ms, err := t.tryPull(sub, 1, 2*time.Second) // which takes the end of the deadline for an empty answer
		t.must(err)
		took := time.Since(start)
		t.want(len(ms) == 0 && took > 1800*time.Millisecond, "it was answered after %v of 3s", took)
	}},
	{"a max_messages of 0 is refused", reference("PullRequest"), refusesLimit(0)},
	{"a negative max_messages is refused", reference("PullRequest"), refusesLimit(-1)},
	{"a subscription that does not exist is said not to", reference("Pull"), func(t *trial) {
		_, err := t.tryPull(t.subscriptionName("missing"), 1, soon)
		t.refused(err, codes.NotFound)
	}},
	{"no attempt is told without a dead-letter policy", reference("ReceivedMessage"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.nack(sub, t.one(sub))
		n := t.one(sub).GetDeliveryAttempt()
		t.want(n == 0, "the attempt is %d, want 0", n)
	}},
	{"a Pull that waits ends when its subscription is deleted", reference("DeleteSubscription") + " and GoogleCloudPlatform/spring-cloud-gcp#2606", func(t *trial) {
		_, sub := t.queue()
		done := t.background(func() error {
			_, err := t.tryPull(sub, 10, 4*time.Second)
			return err
		})
		t.wait(time.Second)
		t.must(t.deleteSubscription(sub))
		t.refused(done(), codes.NotFound)
	}},
}

var leaseRules = []rule{
	{"a message is hidden until its ack deadline, then comes with a new ack id", reference("Subscription"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		first := t.one(sub)
		start := time.Now()
		second := t.oneWithin(sub, 14*time.Second)
		took := time.Since(start)
		t.want(took > 9*time.Second && took < 13*time.Second, "it came after %v, want 10s", took)
		t.want(first.GetAckId() != second.GetAckId(), "the ack id is the same")
		t.want(first.GetMessage().GetMessageId() == second.GetMessage().GetMessageId(), "the message id is another")
	}},
	{"the ack deadline of the subscription is kept", reference("Subscription"), func(t *trial) {
		topic, sub := t.queue(withHold(15))
		t.publish(topic, "x")
		t.one(sub)
		t.nothing(sub, 13*time.Second)
		t.oneWithin(sub, 4*time.Second)
	}},
	{"a change of the ack deadline counts from now", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		m := t.one(sub)
		t.wait(5 * time.Second)
		t.must(t.modack(sub, 10, m))
		t.nothing(sub, 8*time.Second)
		t.oneWithin(sub, 4*time.Second)
	}},
	{"a change may shorten the ack deadline, below 10 s too", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue(withHold(600))
		t.publish(topic, "x")
		t.must(t.modack(sub, 2, t.one(sub)))
		start := time.Now()
		t.oneWithin(sub, 5*time.Second)
		t.want(time.Since(start) > 1500*time.Millisecond, "it came after %v, want 2s", time.Since(start))
	}},
	{"an ack deadline of 0 makes a message come at once", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue(withHold(600))
		t.publish(topic, "x")
		t.nack(sub, t.one(sub))
		t.oneWithin(sub, soon)
	}},
	{"a change of one message leaves the subscription's ack deadline", reference("ModifyAckDeadline"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.must(t.modack(sub, 600, t.one(sub)))
		n := t.get(sub).GetAckDeadlineSeconds()
		t.want(n == 10, "it is %d s, want 10", n)
	}},
	{"an ack deadline of 600 s is taken", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.must(t.modack(sub, 600, t.one(sub)))
	}},
	{"an ack deadline of 601 s is refused", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.refused(t.modack(sub, 601, t.one(sub)), codes.InvalidArgument)
	}},
	{"a negative ack deadline is refused", reference("ModifyAckDeadlineRequest"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.refused(t.modack(sub, -1, t.one(sub)), codes.InvalidArgument)
	}},
	{"a new ack deadline of the subscription counts for the next delivery", reference("Subscription"), func(t *trial) {
		topic, sub := t.queue(withHold(600))
		t.publish(topic, "x")
		m := t.one(sub)
		t.must(t.update(sub, &subscriptionProto{AckDeadlineSeconds: 10}, "ack_deadline_seconds"))
		t.nack(sub, m)
		t.one(sub)
		t.oneWithin(sub, 14*time.Second)
	}},
}
