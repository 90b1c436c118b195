package pubsub_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// Ten divides it, so that what the checks make of it are whole seconds.
const conformanceHold = 40 * time.Second

// newClients are the real clients on an in-process server.
func newClients(ctx context.Context, server *pubsubfake.Server) (c pubsub.Clients, err error) {
	if c.Topics, err = apiv1.NewTopicAdminClient(ctx, server.ClientOptions()...); err != nil {
		return c, err
	}
	c.Subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, server.ClientOptions()...)
	return c, err
}

// onServer is a queue with the server that it is on.
type onServer struct {
	*pubsub.Queue
	server *pubsubfake.Server
}

// backend is the profile of a queue on a server in this process.
func backend(profile string, declared pubsub.Options) conformance.Backend {
	return conformance.Backend{
		Profile: profile,
		Virtual: true,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			server := pubsubfake.New(nil)
			t.Cleanup(func() { _ = server.Close() })
			return provision(context.Background(), server, declared, o)
		},
		Can:  conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold: conformanceHold,
		Interrupts: []conformance.Interrupt{
			interrupt("before the send", pubsubfake.Fault{Op: "Publish", Cut: true}),
			interrupt("after the send", pubsubfake.Fault{Op: "Publish", Cut: true, AfterEffect: true}),
			interrupt("between send and delete", pubsubfake.Fault{Op: "Acknowledge", Cut: true}),
			interrupt("after the delete", pubsubfake.Fault{Op: "Acknowledge", Cut: true, AfterEffect: true}),
		},
	}
}

// interrupt cuts the next request of an operation off.
func interrupt(name string, f pubsubfake.Fault) conformance.Interrupt {
	f.Count = 1
	return conformance.Interrupt{Name: name, Arm: func(q driver.Queue) driver.Queue {
		q.(onServer).server.Fault(f)
		return q
	}}
}

// provision creates a queue and its dead letter.
func provision(ctx context.Context, server *pubsubfake.Server, declared pubsub.Options, o conformance.Options) (onServer, error) {
	clients, err := newClients(ctx, server)
	if err != nil {
		return onServer{}, err
	}
	hold, attempts := o.Hold, o.MaxAttempts
	if hold == 0 {
		hold = conformanceHold
	}
	if attempts == 0 {
		attempts = 100
	}
	live := &pubsubpb.Subscription{
		AckDeadlineSeconds: int32(hold / time.Second), EnableMessageOrdering: declared.Ordered, EnableExactlyOnceDelivery: declared.ExactlyOnce,
	}
	if !o.NoDeadLetter {
		dead := &pubsubpb.Subscription{
			AckDeadlineSeconds: int32(hold / time.Second), EnableExactlyOnceDelivery: declared.ExactlyOnce,
			MessageRetentionDuration: durationpb.New(14 * 24 * time.Hour),
		}
		if err := create(ctx, clients, "orders-dead", dead); err != nil {
			return onServer{}, err
		}
		live.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: "projects/test/topics/orders-dead", MaxDeliveryAttempts: int32(attempts)}
	}
	if err := create(ctx, clients, "orders", live); err != nil {
		return onServer{}, err
	}
	q, err := pubsub.New(clients, "test", "orders", &declared)
	return onServer{q, server}, err
}

// create creates a topic, and a subscription with its id.
func create(ctx context.Context, clients pubsub.Clients, id string, s *pubsubpb.Subscription) error {
	s.Topic, s.Name = "projects/test/topics/"+id, "projects/test/subscriptions/"+id
	if _, err := clients.Topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
		return fmt.Errorf("create topic %q: %w", id, err)
	}
	s.ExpirationPolicy = &pubsubpb.ExpirationPolicy{} // never
	if _, err := clients.Subscriptions.CreateSubscription(ctx, s); err != nil {
		return fmt.Errorf("create subscription %q: %w", id, err)
	}
	return nil
}

// declared is what every queue can do.
func declared() driver.Capabilities {
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	return driver.Capabilities{
		MaxSendBatch: 1000, MaxReceiveBatch: 100, MaxSettleBatch: 1000,
		MaxBody: 9_999_000, MaxAttributes: 98, MaxAttributeValue: 1024, MinAttempts: 5, MaxAttempts: 100,
		MinHold: 10 * time.Second, MaxHold: 10 * time.Minute, MaxTotalHold: driver.Unlimited, HoldGrain: time.Second,
		MaxReleaseDelay:     10 * time.Minute,
		ExactAttempts:       emulated("DeliveryAttempt, which Google calls approximate, and which a subscription without a dead-letter policy does not count"),
		StaleSettleDetected: emulated("by the driver's own clock, but for an ack, which Pub/Sub may take late; exactly-once delivery tells"),
		SendDelay:           driver.Support{Note: "Pub/Sub delivers at once; a delay is a chain of releases"},
		ReleaseDelay:        emulated("the ack deadline is set to the delay"),
		Fairness:            driver.Support{Note: "Pub/Sub knows no tenants"},
		Dedup:               driver.Support{Note: "Pub/Sub stores every publish; make the handler idempotent by the task id"},
		AtomicBury:          emulated("a copy is published, then the message is acked; a crash between the two duplicates it"),
		AtomicRedrive:       emulated("a copy is published, then the dead letter is acked; a crash between the two duplicates it"),
		Depth:               driver.Support{Note: "Pub/Sub counts in Cloud Monitoring only, minutes late"},
	}
}

func TestConformancePlain(t *testing.T) {
	conformance.Run(t, backend("pubsub plain", pubsub.Options{}), declared())
}

func TestConformanceOrdered(t *testing.T) {
	want := declared()
	want.Ordered = true
	b := backend("pubsub ordered", pubsub.Options{Ordered: true})
	conformance.Run(t, b, want)
}

func TestConformanceExactlyOnce(t *testing.T) {
	want := declared()
	want.StaleSettleDetected = driver.Support{Level: driver.LevelNative}
	conformance.Run(t, backend("pubsub exactly-once", pubsub.Options{ExactlyOnce: true}), want)
}
