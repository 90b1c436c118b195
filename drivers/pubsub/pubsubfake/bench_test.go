package pubsubfake_test

import (
	"testing"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// BenchmarkRoundTrip publishes, pulls and acknowledges a hundred messages, through
// the generated clients, on a subscription with a backlog.
func BenchmarkRoundTrip(b *testing.B) {
	s := pubsubfake.New(nil)
	defer s.Close()
	topics, err := apiv1.NewTopicAdminClient(b.Context(), s.ClientOptions()...)
	if err != nil {
		b.Fatal(err)
	}
	subs, err := apiv1.NewSubscriptionAdminClient(b.Context(), s.ClientOptions()...)
	if err != nil {
		b.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	_, err = topics.CreateTopic(b.Context(), &pubsubpb.Topic{Name: topicName("orders")})
	must(err)
	_, err = subs.CreateSubscription(b.Context(), &pubsubpb.Subscription{Name: subName("orders"), Topic: topicName("orders"), AckDeadlineSeconds: 600})
	must(err)
	publish := &pubsubpb.PublishRequest{Topic: topicName("orders")}
	for range 100 {
		publish.Messages = append(publish.Messages, &pubsubpb.PubsubMessage{Data: make([]byte, 200)})
	}
	for range 1000 {
		_, err = topics.Publish(b.Context(), publish)
		must(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err = topics.Publish(b.Context(), publish)
		must(err)
		out, err := subs.Pull(b.Context(), &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 100})
		must(err)
		ids := make([]string, 0, 100)
		for _, m := range out.GetReceivedMessages() {
			ids = append(ids, m.GetAckId())
		}
		must(subs.Acknowledge(b.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subName("orders"), AckIds: ids}))
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "messages/s")
}
