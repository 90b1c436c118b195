package pubsubfake

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

func refusesSetting(set setting) func(t *trial) {
	return func(t *trial) {
		_, err := t.subscribe("sub", t.topic("topic"), set)
		t.refused(err, codes.InvalidArgument)
	}
}

func takesSetting(set setting) func(t *trial) {
	return func(t *trial) { t.queue(set) }
}

func withRetention(d time.Duration) setting {
	return func(c *subscriptionProto) { c.MessageRetentionDuration = durationpb.New(d) }
}

func withIdle(d time.Duration) setting {
	return func(c *subscriptionProto) {
		c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(d)}
	}
}

func (t *trial) detach(sub string) {
	t.must(t.call(func(ctx context.Context) error {
		_, err := t.clients.Topics.DetachSubscription(ctx, &pubsubpb.DetachSubscriptionRequest{Subscription: sub}, once)
		return err
	}))
}

var subscriptionRules = []rule{
	{"a subscription that exists is not created again", reference("CreateSubscription"), func(t *trial) {
		topic, _ := t.queue()
		_, err := t.subscribe("sub", topic)
		t.refused(err, codes.AlreadyExists)
	}},
	{"a subscription needs a topic that exists", reference("CreateSubscription"), func(t *trial) {
		_, err := t.subscribe("sub", t.topicName("missing"))
		t.refused(err, codes.NotFound)
	}},
	{"a subscription's name is not that of a topic", pageNames, func(t *trial) {
		topic := t.topic("topic")
		_, err := t.createSubscription(&subscriptionProto{Name: topic, Topic: topic})
		t.refused(err, codes.InvalidArgument)
	}},
	{"a subscription that was deleted does not exist", reference("DeleteSubscription"), func(t *trial) {
		_, sub := t.queue()
		t.must(t.deleteSubscription(sub))
		t.refused(t.call(func(ctx context.Context) error {
			_, err := t.clients.Subscriptions.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: sub}, once)
			return err
		}), codes.NotFound)
	}},
	{"an ack deadline is 10 s and retention 7 days when they are not said", reference("Subscription"), func(t *trial) {
		_, sub := t.queue()
		c := t.get(sub)
		t.want(c.GetAckDeadlineSeconds() == 10 && c.GetMessageRetentionDuration().AsDuration() == 7*day,
			"they are %d s and %v", c.GetAckDeadlineSeconds(), c.GetMessageRetentionDuration().AsDuration())
	}},
	{"a subscription expires after 31 days without use when it does not say", reference("Subscription"), func(t *trial) {
		_, sub := t.queue()
		ttl := t.get(sub).GetExpirationPolicy().GetTtl().AsDuration()
		t.want(ttl == 31*day, "the ttl is %v", ttl)
	}},
	{"an expiration policy without ttl is that of a subscription which never expires", reference("Subscription"), func(t *trial) {
		_, sub := t.queue(func(c *subscriptionProto) { c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{} })
		p := t.get(sub).GetExpirationPolicy()
		t.want(p != nil && p.GetTtl().AsDuration() == 0, "the policy is %v", p)
	}},
	{"an ack deadline of the subscription is at least 10 s", reference("Subscription"), refusesSetting(withHold(9))},
	{"an ack deadline of the subscription is at most 600 s", reference("Subscription"), refusesSetting(withHold(601))},
	{"an ack deadline of the subscription is not negative", reference("Subscription"), refusesSetting(withHold(-1))},
	{"retention of less than 10 minutes is refused", reference("Subscription"), refusesSetting(withRetention(9 * time.Minute))},
	{"retention of more than 31 days is refused", reference("Subscription"), refusesSetting(withRetention(32 * day))},
	{"retention of 31 days is taken", reference("Subscription"), takesSetting(withRetention(31 * day))},
	{"an expiration of less than a day is refused", reference("Subscription"), refusesSetting(withIdle(23 * time.Hour))},
	{"the topic of a subscription cannot be changed", reference("UpdateSubscription"), func(t *trial) {
		topic, sub := t.queue()
		t.refused(t.update(sub, &subscriptionProto{Topic: topic}, "topic"), codes.InvalidArgument)
	}},
	{"an unknown field cannot be changed", reference("UpdateSubscriptionRequest"), func(t *trial) {
		_, sub := t.queue()
		t.refused(t.update(sub, &subscriptionProto{}, "color"), codes.InvalidArgument)
	}},
	{"a change names fields", reference("UpdateSubscriptionRequest"), func(t *trial) {
		_, sub := t.queue()
		t.refused(t.update(sub, &subscriptionProto{AckDeadlineSeconds: 20}), codes.InvalidArgument)
	}},
	{"a change is of the named fields only", reference("UpdateSubscriptionRequest"), func(t *trial) {
		_, sub := t.queue(withHold(20))
		t.must(t.update(sub, &subscriptionProto{AckDeadlineSeconds: 30, MessageRetentionDuration: durationpb.New(time.Hour)}, "message_retention_duration"))
		c := t.get(sub)
		t.want(c.GetAckDeadlineSeconds() == 20 && c.GetMessageRetentionDuration().AsDuration() == time.Hour, "it is %v", c)
	}},
	{"a dead-letter policy can be set and taken away", reference("UpdateSubscription"), func(t *trial) {
		_, sub := t.queue()
		dead := t.topic("dead")
		c := &subscriptionProto{}
		withDead(dead, 7)(c)
		t.must(t.update(sub, c, "dead_letter_policy"))
		p := t.get(sub).GetDeadLetterPolicy()
		t.want(p.GetDeadLetterTopic() == dead && p.GetMaxDeliveryAttempts() == 7, "it is %v", p)
		t.must(t.update(sub, &subscriptionProto{}, "dead_letter_policy"))
		t.want(t.get(sub).GetDeadLetterPolicy() == nil, "it is still there")
	}},
	{"labels can be changed", reference("UpdateSubscription"), func(t *trial) {
		_, sub := t.queue()
		t.must(t.update(sub, &subscriptionProto{Labels: map[string]string{"a": "b"}}, "labels"))
		got := t.get(sub).GetLabels()["a"]
		t.want(got == "b", "the label is %q", got)
	}},
	{"an expiration policy can be changed", reference("UpdateSubscription"), func(t *trial) {
		_, sub := t.queue()
		t.must(t.update(sub, &subscriptionProto{ExpirationPolicy: &pubsubpb.ExpirationPolicy{}}, "expiration_policy"))
	}},
	{"a detached subscription has no messages and is not pulled", pageDetach, func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.detach(sub)
		_, err := t.tryPull(sub, 1, soon)
		t.refused(err, codes.FailedPrecondition)
		t.want(t.get(sub).GetDetached(), "it is not said to be detached")
	}},
	{"a detached subscription is not among those of its topic", reference("ListTopicSubscriptions"), func(t *trial) {
		topic, sub := t.queue()
		t.subscription("other", topic)
		t.detach(sub)
		got := t.attached(topic)
		t.want(len(got) == 1 && got[0] == "other", "they are %q", got)
	}},
}
