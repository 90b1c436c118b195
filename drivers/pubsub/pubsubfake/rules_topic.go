package pubsubfake

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
)

func refusesName(id string) func(t *trial) {
	return func(t *trial) {
		t.refused(t.createTopic(&topicProto{Name: t.project + "/topics/" + id}), codes.InvalidArgument)
	}
}

// attached lists the subscriptions of a topic by the ends of their names.
func (t *trial) attached(topic string) []string {
	var ids []string
	t.must(t.call(func(ctx context.Context) error {
		it := t.clients.Topics.ListTopicSubscriptions(ctx, &pubsubpb.ListTopicSubscriptionsRequest{Topic: topic, PageSize: 2})
		for {
			name, err := it.Next()
			if err == iterator.Done { //nolint:errorlint // it is not wrapped
				return nil
			}
			if err != nil {
				return err
			}
			ids = append(ids, strings.TrimPrefix(name, t.subscriptionName("")))
		}
	}))
	slices.Sort(ids)
	return ids
}

var topicRules = []rule{
	{"a topic that exists is not created again", reference("CreateTopic"), func(t *trial) {
		name := t.topic("topic")
		t.refused(t.createTopic(&topicProto{Name: name}), codes.AlreadyExists)
	}},
	{"a topic's name has at least 3 characters", pageNames, refusesName("ab")},
	{"a topic's name begins with a letter", pageNames, refusesName("1abc")},
	{"a topic's name does not begin with goog", pageNames, refusesName("google")},
	{"a topic's name has no spaces", pageNames, refusesName("a bc")},
	{"a topic's name has at most 255 characters", pageNames, refusesName(long(256))},
	{"a topic is not looked up by a name without project", pageNames, func(t *trial) {
		_, err := t.tryPublish("orders", &pubsubpb.PubsubMessage{Data: []byte("x")})
		t.refused(err, codes.InvalidArgument)
	}},
	{"a topic that was deleted does not exist", reference("DeleteTopic"), func(t *trial) {
		name := t.topic("topic")
		t.must(t.deleteTopic(name))
		t.refused(t.call(func(ctx context.Context) error {
			_, err := t.clients.Topics.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: name}, once)
			return err
		}), codes.NotFound)
	}},
	{"a subscription stays when its topic is deleted, with its messages", reference("DeleteTopic"), func(t *trial) {
		topic, sub := t.queue()
		t.publish(topic, "x")
		t.must(t.deleteTopic(topic))
		got := t.get(sub).GetTopic()
		t.want(got == deletedTopic, "its topic is %s, want %s", got, deletedTopic)
		t.must(t.ack(sub, t.one(sub)))
	}},
	{"a new topic of a deleted one's name has none of its subscriptions", reference("DeleteTopic"), func(t *trial) {
		topic, sub := t.queue()
		t.must(t.deleteTopic(topic))
		t.topic("topic")
		t.publish(topic, "x")
		t.nothing(sub, soon/2)
		got := t.attached(topic)
		t.want(len(got) == 0, "its subscriptions are %q", got)
	}},
	{"the subscriptions of a topic are listed, in pages", reference("ListTopicSubscriptions"), func(t *trial) {
		topic := t.topic("topic")
		for _, name := range []string{"a", "b", "c"} {
			t.subscription(name, topic)
		}
		got := t.attached(topic)
		t.want(slices.Equal(got, []string{"a", "b", "c"}), "they are %q", got)
	}},
}
