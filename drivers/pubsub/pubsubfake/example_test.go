package pubsubfake_test

import (
	"context"
	"fmt"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// The generated clients publish to and pull from a server in the same process. The
// first Pull is refused.
func Example() {
	server := pubsubfake.New(nil)
	defer server.Close()
	ctx := context.Background()
	topics, err := apiv1.NewTopicAdminClient(ctx, server.ClientOptions()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	subscriptions, err := apiv1.NewSubscriptionAdminClient(ctx, server.ClientOptions()...)
	if err != nil {
		fmt.Println(err)
		return
	}

	const topic, subscription = "projects/p/topics/orders", "projects/p/subscriptions/orders"
	_, err = topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topic})
	fmt.Println("topic:", err)
	_, err = subscriptions.CreateSubscription(ctx, &pubsubpb.Subscription{Name: subscription, Topic: topic})
	fmt.Println("subscription:", err)
	_, err = topics.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{{Data: []byte("hello")}}})
	fmt.Println("publish:", err)

	server.Fault(pubsubfake.Fault{Op: "Pull", Count: 1, Code: codes.PermissionDenied})
	pull := &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: 10}
	_, err = subscriptions.Pull(ctx, pull)
	fmt.Println("pull:", status.Code(err))
	got, err := subscriptions.Pull(ctx, pull)
	fmt.Println("pull:", err)
	for _, m := range got.GetReceivedMessages() {
		fmt.Println(string(m.GetMessage().GetData()))
	}
	// Output:
	// topic: <nil>
	// subscription: <nil>
	// publish: <nil>
	// pull: PermissionDenied
	// pull: <nil>
	// hello
}
