package pubsubfake_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestListsAreOfOneProject(t *testing.T) {
	bubble(t, func(e *env) {
		for i := range 5 {
			e.queue(fmt.Sprint("queue", i))
		}
		_, err := e.topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: "projects/test2/topics/other"})
		e.must(err)
		var topics, subs []string
		for topic, err := range e.topics.ListTopics(e.Context(), &pubsubpb.ListTopicsRequest{Project: project, PageSize: 2}).All() {
			e.must(err)
			topics = append(topics, topic.GetName()[len(topicName("")):])
		}
		for sub, err := range e.subs.ListSubscriptions(e.Context(), &pubsubpb.ListSubscriptionsRequest{Project: project, PageSize: 4}).All() {
			e.must(err)
			subs = append(subs, sub.GetName()[len(subName("")):])
		}
		if want := "[queue0 queue1 queue2 queue3 queue4]"; fmt.Sprint(topics) != want || fmt.Sprint(subs) != want {
			t.Errorf("topics are %q and subscriptions %q, want %s", topics, subs, want)
		}
		_, err = e.topics.ListTopics(e.Context(), &pubsubpb.ListTopicsRequest{Project: "test"}).Next()
		e.wantCode(err, codes.InvalidArgument)
		_, err = e.subs.ListSubscriptions(e.Context(), &pubsubpb.ListSubscriptionsRequest{Project: project, PageToken: "?"}).Next()
		e.wantCode(err, codes.InvalidArgument)
	})
}

func TestUpdateTopic(t *testing.T) {
	bubble(t, func(e *env) {
		e.topic("orders")
		update := func(c *pubsubpb.Topic, path string) error {
			c.Name = topicName("orders")
			_, err := e.topics.UpdateTopic(e.Context(), &pubsubpb.UpdateTopicRequest{Topic: c, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}}})
			return err
		}
		e.must(update(&pubsubpb.Topic{Labels: map[string]string{"a": "b"}}, "labels"))
		e.must(update(&pubsubpb.Topic{MessageRetentionDuration: durationpb.New(time.Hour)}, "message_retention_duration"))
		e.wantCode(update(&pubsubpb.Topic{MessageRetentionDuration: durationpb.New(time.Minute)}, "message_retention_duration"), codes.InvalidArgument)
		e.wantCode(update(&pubsubpb.Topic{}, "name"), codes.InvalidArgument)
		got, err := e.topics.GetTopic(e.Context(), &pubsubpb.GetTopicRequest{Topic: topicName("orders")})
		e.must(err)
		if got.GetLabels()["a"] != "b" || got.GetMessageRetentionDuration().AsDuration() != time.Hour {
			t.Errorf("the topic is %v", got)
		}
	})
}

func TestWhatIsNotThereSaysSo(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		create := func(c *pubsubpb.Subscription) error {
			c.Name, c.Topic = subName("other"), topicName("orders")
			_, err := e.subs.CreateSubscription(e.Context(), c)
			return err
		}
		createTopic := func(c *pubsubpb.Topic) error {
			c.Name = topicName("other")
			_, err := e.topics.CreateTopic(e.Context(), c)
			return err
		}
		_, seek := e.subs.Seek(e.Context(), &pubsubpb.SeekRequest{Subscription: subName("orders")})
		_, snapshot := e.subs.CreateSnapshot(e.Context(), &pubsubpb.CreateSnapshotRequest{Subscription: subName("orders"), Name: project + "/snapshots/snap"})
		stream, err := e.subs.StreamingPull(e.Context())
		e.must(err)
		_, pull := stream.Recv()
		for name, err := range map[string]error{
			"StreamingPull": pull,
			"Seek":          seek,
			"snapshots":     snapshot,
			"filters":       create(&pubsubpb.Subscription{Filter: `attributes.a = "b"`}),
			"the push format v1beta1": create(&pubsubpb.Subscription{PushConfig: &pubsubpb.PushConfig{
				PushEndpoint: "http://localhost", Attributes: map[string]string{"x-goog-version": "v1beta1"},
			}}),
			"export subscriptions": create(&pubsubpb.Subscription{BigqueryConfig: &pubsubpb.BigQueryConfig{}}),
			"message transforms":   create(&pubsubpb.Subscription{MessageTransforms: []*pubsubpb.MessageTransform{{}}}),
			"schemas":              createTopic(&pubsubpb.Topic{SchemaSettings: &pubsubpb.SchemaSettings{}}),
			"ingestion":            createTopic(&pubsubpb.Topic{IngestionDataSourceSettings: &pubsubpb.IngestionDataSourceSettings{}}),
		} {
			e.wantCode(err, codes.Unimplemented)
			if !mentions(err, "pubsubfake: "+name+"; ") {
				t.Errorf("%s: got error %v, want it named", name, err)
			}
		}
	})
}

func TestDetachEndsWaitingPulls(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.publish("orders", "x")
		e.wantPull("orders", "x")
		failed := make(chan error)
		go func() {
			_, err := e.tryPull("orders", 1, time.Minute)
			failed <- err
		}()
		synctest.Wait()
		_, err := e.topics.DetachSubscription(e.Context(), &pubsubpb.DetachSubscriptionRequest{Subscription: subName("orders")})
		e.must(err)
		start := time.Now()
		e.wantCode(<-failed, codes.FailedPrecondition)
		if d := time.Since(start); d != 0 {
			t.Errorf("the Pull ended after %v, want at once", d)
		}
		e.publish("orders", "x")
		e.wantCount("orders", pubsubfake.Count{})
		e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("orders")}))
	})
}

// A subscription that is created anew under its old name knows none of its ack ids.
func TestAckIDsAreOfOneSubscription(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.publish("orders", "x")
		m := e.one("orders", 0)
		e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("orders")}))
		e.subscription("orders", "orders")
		e.wantCode(e.ack("orders", m), codes.InvalidArgument)
		for _, id := range []string{m.GetAckId()[1:], m.GetAckId() + "-", "B" + m.GetAckId()[1:], "!" + m.GetAckId()[1:]} {
			e.wantCode(e.subs.Acknowledge(e.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subName("orders"), AckIds: []string{id}}), codes.InvalidArgument)
		}
	})
}
