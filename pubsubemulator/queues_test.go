package pubsubemulator_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/drivers/pubsub"
)

// project is that of all queues here. The emulator takes any.
const project = "conformance"

// retention is of all subscriptions: more than 7 days the emulator refuses.
const (
	retention     = 24 * time.Hour
	deadRetention = 7 * 24 * time.Hour
)

// queueOptions say what queue to make.
type queueOptions struct {
	ordered, exactlyOnce bool
	hold                 time.Duration
	maxAttempts          int
	noDeadLetter         bool
}

// queueCount makes names of queues that no other test uses.
var queueCount atomic.Int64

// makeQueue makes a queue and its dead letter, and answers its id.
func makeQueue(ctx context.Context, clients pubsub.Clients, o queueOptions) (id string, err error) {
	id = fmt.Sprintf("q-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), queueCount.Add(1))
	live := &pubsubpb.Subscription{
		AckDeadlineSeconds: int32(o.hold / time.Second), MessageRetentionDuration: durationpb.New(retention),
		EnableMessageOrdering: o.ordered, EnableExactlyOnceDelivery: o.exactlyOnce,
	}
	if !o.noDeadLetter {
		dead := &pubsubpb.Subscription{
			AckDeadlineSeconds: live.AckDeadlineSeconds, MessageRetentionDuration: durationpb.New(deadRetention),
			EnableExactlyOnceDelivery: o.exactlyOnce,
		}
		if err := create(ctx, clients, id+"-dead", dead); err != nil {
			return "", err
		}
		live.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: dead.Topic, MaxDeliveryAttempts: int32(o.maxAttempts)}
	}
	return id, create(ctx, clients, id, live)
}

// create creates a topic, and a subscription with its id.
func create(ctx context.Context, clients pubsub.Clients, id string, s *pubsubpb.Subscription) error {
	s.Topic, s.Name = topicName(id), subscriptionName(id)
	if _, err := clients.Topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
		return fmt.Errorf("create topic %q: %w", id, err)
	}
	s.ExpirationPolicy = &pubsubpb.ExpirationPolicy{} // never
	if _, err := clients.Subscriptions.CreateSubscription(ctx, s); err != nil {
		return fmt.Errorf("create subscription %q: %w", id, err)
	}
	return nil
}

func topicName(id string) string        { return "projects/" + project + "/topics/" + id }
func subscriptionName(id string) string { return "projects/" + project + "/subscriptions/" + id }

// dropQueue deletes a queue and its dead letter, if it has one, at the end of a test.
func dropQueue(t *testing.T, clients pubsub.Clients, id string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, id := range []string{id, id + "-dead"} {
			err := clients.Subscriptions.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: subscriptionName(id)})
			if err == nil {
				err = clients.Topics.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topicName(id)})
			}
			if err != nil && status.Code(err) != codes.NotFound {
				t.Errorf("delete queue %s: %v", id, err)
			}
		}
	})
}

// cutKey marks the context of a call that is cut off between the publish of a copy
// and the ack of the original.
type cutKey struct{}

// cut refuses the acks of calls that are cut off.
func cut(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if ctx.Value(cutKey{}) != nil && strings.HasSuffix(method, "/Acknowledge") {
		return status.Error(codes.Unavailable, "the connection broke")
	}
	return invoke(ctx, method, request, reply, conn, opts...)
}
