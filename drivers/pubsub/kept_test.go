package pubsub_test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// What is published to a topic whose subscription has gone is lost, so a copy is not
// published there, and the message stays where it is.
func TestACopyGoesOnlyWhereItIsKept(t *testing.T) {
	gone := func(e *env, s string) {
		e.must(e.clients.Subscriptions.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: s}))
	}
	detached := func(e *env, s string) {
		_, err := e.clients.Topics.DetachSubscription(e.Context(), &pubsubpb.DetachSubscriptionRequest{Subscription: s})
		e.must(err)
	}
	ofADeletedTopic := func(e *env, s string) {
		name := topic
		if s == deadSubscription {
			name = deadTopic
		}
		e.must(e.clients.Topics.DeleteTopic(e.Context(), &pubsubpb.DeleteTopicRequest{Topic: name}))
		_, err := e.clients.Topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: name}) // which has no subscription
		e.must(err)
	}
	for what, tt := range map[string]struct {
		change func(e *env, s string)
		code   driver.Code
		says   string
	}{
		"gone":               {gone, driver.NotFound, "does not exist"},
		"detached":           {detached, driver.InvalidArgument, "detached"},
		"of a deleted topic": {ofADeletedTopic, driver.NotFound, "deleted"},
	} {
		t.Run("bury "+what, func(t *testing.T) {
			on(t, nil, pubsub.Options{}, func(e *env) {
				e.send(message(1))
				l := e.lease(e.queue, 1)[0]
				tt.change(e, deadSubscription)
				before := e.server.Requests()
				e.code("bury", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}), tt.code, tt.says, deadSubscription)
				if n := e.since(before, "Publish"); n != 0 {
					e.Errorf("%d requests to publish", n)
				}
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}))
			})
		})
		t.Run("redrive "+what, func(t *testing.T) {
			on(t, nil, pubsub.Options{}, func(e *env) {
				e.send(message(1))
				e.must(e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Bury, Reason: "test"}))
				tt.change(e, subscription)
				e.sleep(time.Minute) // for as long as it is not noticed
				l := e.lease(e.queue.DeadLetter(), 1)[0]
				e.code("redrive", e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: l, Verdict: driver.Redrive}), tt.code, tt.says, subscription)
				e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: l, Verdict: driver.Release}))
				e.lease(e.queue.DeadLetter(), 1)
			})
		})
	}
	// Who may not know goes on, and who could know a while ago too.
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unavailable} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			e.send(message(1))
			_, err := e.queue.Policy(e.Context())
			e.must(err)
			e.sleep(time.Minute)
			l := e.lease(e.queue, 1)[0]
			e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Resource: "orders-dead", Code: code, Count: 1})
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
			e.sleep(time.Minute)
			e.lease(e.queue.DeadLetter(), 1)
		})
	}
}

// A worker sends copies to its own queue, and knows what became of the subscription.
func TestASendGoesOnlyWhereItIsKept(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(2)...)
		e.lease(e.queue, 1)
		e.must(e.clients.Topics.DeleteTopic(e.Context(), &pubsubpb.DeleteTopicRequest{Topic: topic}))
		_, err := e.clients.Topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: topic})
		e.must(err)
		e.sleep(time.Minute)
		e.lease(e.queue, 1)
		e.code("send", e.queue.Send(e.Context(), messages(1))[0].Err, driver.NotFound, "deleted", subscription)
		// A producer alone reads nothing.
		producer, err := pubsub.New(e.clients, "test", "orders", nil)
		e.must(err)
		before := e.server.Requests()
		e.must(producer.Send(e.Context(), messages(1))[0].Err)
		if n := e.since(before, "GetSubscription"); n != 0 {
			e.Errorf("%d requests for the subscription", n)
		}
	})
}

// What Google adds to a message nobody else may publish.
func TestGooglesOwnAttributesAreNotPublishedAgain(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		q := e.through(pubsub.Options{}, func(m any) error {
			if out, ok := m.(*pubsubpb.PullResponse); ok {
				for _, r := range out.GetReceivedMessages() {
					r.GetMessage().Attributes["googclient_schemaencoding"] = "JSON"
				}
			}
			return nil
		})
		m := message(1)
		m.Attributes = map[string]string{"a": "b"}
		e.send(m)
		l := e.lease(q, 1)[0]
		if len(l.Message().Attributes) != 2 {
			e.Errorf("attributes %v; want both", l.Message().Attributes)
		}
		e.must(e.settle(q, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
		l = e.lease(q.DeadLetter(), 1)[0]
		e.must(e.settle(q.DeadLetter(), driver.Settlement{Lease: l, Verdict: driver.Redrive}))
		if got := e.lease(e.queue, 1)[0].Message(); len(got.Attributes) != 1 || got.Attributes["a"] != "b" {
			e.Errorf("attributes %v; want a", got.Attributes)
		}
		e.must(q.Close(e.Context()))
	})
}
