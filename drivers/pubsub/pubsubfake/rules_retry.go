package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

func withRetry(least, most time.Duration) setting {
	return func(c *subscriptionProto) {
		c.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(least), MaximumBackoff: durationpb.New(most)}
	}
}

func refusesRetry(least, most time.Duration) func(t *trial) {
	return func(t *trial) {
		_, err := t.subscribe("sub", t.topic("topic"), withRetry(least, most))
		t.refused(err, codes.InvalidArgument)
	}
}

var retryRules = []rule{
	{"a nacked message is kept back for the minimum backoff", reference("RetryPolicy"), func(t *trial) {
		topic, sub := t.queue(withRetry(4*time.Second, 10*time.Second))
		t.publish(topic, "x")
		t.nack(sub, t.one(sub))
		t.nothing(sub, 2*time.Second)
		t.oneWithin(sub, 10*time.Second)
	}},
	{"a message that was nacked twice is kept back", reference("RetryPolicy"), func(t *trial) {
		topic, sub := t.queue(withRetry(4*time.Second, 10*time.Second))
		t.publish(topic, "x")
		t.nack(sub, t.one(sub))
		t.nack(sub, t.oneWithin(sub, 10*time.Second))
		t.nothing(sub, 2*time.Second)
		t.oneWithin(sub, 15*time.Second)
	}},
	{"backoff adds to an ack deadline that ends", reference("RetryPolicy"), func(t *trial) {
		topic, sub := t.queue(withRetry(4*time.Second, 4*time.Second))
		t.publish(topic, "x")
		t.nack(sub, t.one(sub))
		t.must(t.modack(sub, 2, t.oneWithin(sub, 8*time.Second)))
		t.nothing(sub, 4*time.Second)
		t.oneWithin(sub, 8*time.Second)
	}},
	{"without a retry policy a message comes again at once", reference("Subscription"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		for range 5 {
			t.nack(sub, t.one(sub))
		}
		t.one(sub)
	}},
	{"a maximum backoff of more than 600 s is refused", reference("RetryPolicy"), refusesRetry(time.Second, 601*time.Second)},
	{"a minimum backoff above the maximum is refused", reference("RetryPolicy"), refusesRetry(20*time.Second, 10*time.Second)},
	{"backoff is from 10 to 600 s when it is not said", reference("RetryPolicy"), func(t *trial) {
		sub := t.subscription("sub", t.topic("topic"), func(c *subscriptionProto) { c.RetryPolicy = &pubsubpb.RetryPolicy{} })
		p := t.get(sub).GetRetryPolicy()
		t.want(p.GetMinimumBackoff().GetSeconds() == 10 && p.GetMaximumBackoff().GetSeconds() == 600, "it is from %v to %v", p.GetMinimumBackoff().AsDuration(), p.GetMaximumBackoff().AsDuration())
	}},
}
