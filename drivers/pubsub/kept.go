package pubsub

import (
	"context"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// deletedTopic is what a subscription has for a topic once that was deleted. Source:
// reference of google.pubsub.v1, Subscription.topic.
const deletedTopic = "_deleted-topic_"

// keeps is an error where nothing keeps what is published to the source's topic, as
// far as anybody can know: by what was read of the subscription a minute ago at most.
func (s *source) keeps(ctx context.Context, op string) error {
	got, err := s.known(ctx, op)
	if err != nil {
		if mayNot(err) {
			return nil
		}
		return err
	}
	return s.agreeKept(op, got.native)
}

// stillKeeps is the same without a request: it knows what a Receive has learned.
func (s *source) stillKeeps(op string) error {
	if got := s.settings.Load(); got != nil && got.native != nil {
		return s.agreeKept(op, got.native)
	}
	return nil
}

// agreeKept refuses a subscription that does not get what is published to the topic.
func (s *source) agreeKept(op string, got *pubsubpb.Subscription) error {
	which, prefix := "subscription", ""
	if s.isDead() {
		which, prefix = "the dead letter's subscription", "dead_"
	}
	switch {
	case got.GetDetached():
		return driver.Errorf(driver.InvalidArgument, op, "%s %q is detached from its topic, for ever, and keeps nothing; create it anew", which, s.subscription)
	case got.GetTopic() == deletedTopic:
		return driver.Errorf(driver.NotFound, op, "the topic of %s %q was deleted; create both anew", which, s.subscription)
	case !sameName(got.GetTopic(), s.topic):
		return driver.Errorf(driver.InvalidArgument, op, "%stopic=%s is declared, and %s %q is one of %s, so nothing keeps what is published; correct %stopic or %ssubscription",
			prefix, s.topic, which, s.subscription, got.GetTopic(), prefix, prefix)
	}
	return nil
}
