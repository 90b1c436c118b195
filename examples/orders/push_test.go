package orders_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/examples/orders"
)

// ordersSubscription is that of the clouds' queue.
const ordersSubscription = "projects/shop/subscriptions/orders"

// The server that Pub/Sub pushes to, with the subscription's retry policy, which a push
// subscription needs. Here the test pushes what it pulls.
func confirmsOrdersByPush(t *testing.T, p programs) {
	s := open(t)
	s.place(t, orders.Made(1, 30))
	payable, declined := s.payable()
	p.start(t, s.env, "shop", "-config", "pubsub.yaml", "-n", "30").wait(t)
	client, err := apiv1.NewSubscriptionAdminClient(t.Context(), s.clouds.PubSub.ClientOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
		Subscription: &pubsubpb.Subscription{Name: ordersSubscription, RetryPolicy: &pubsubpb.RetryPolicy{
			MinimumBackoff: durationpb.New(100 * time.Millisecond), MaximumBackoff: durationpb.New(time.Second),
		}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"retry_policy"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	url := "http://127.0.0.1:" + port
	server := p.start(t, append(s.env, "PORT="+port, "PUSH_UNAUTHENTICATED=true"), "push", "-config", "pubsub.yaml")
	eventually(t, "the server is ready", func() bool { return status(t, http.MethodGet, url+"/readyz", nil) == http.StatusOK })

	eventually(t, "every order is confirmed", func() bool {
		pull(t, client, url)
		return len(s.written(t)) == len(payable)
	})
	server.stop(t)

	s.addsUp(t)
	deadAre(t, p.dead(t, s.env, "pubsub.yaml"), declined)
}

// pull pulls what there is and pushes it: what is answered 2xx is acked, the rest comes
// again as the retry policy says.
func pull(t *testing.T, client *apiv1.SubscriptionAdminClient, url string) {
	t.Helper()
	got, err := client.Pull(t.Context(), &pubsubpb.PullRequest{
		Subscription: ordersSubscription, MaxMessages: 10, ReturnImmediately: true, //nolint:staticcheck // nothing else is waited for
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got.ReceivedMessages {
		text, err := json.Marshal(map[string]any{
			"message": map[string]any{
				"data": m.Message.Data, "attributes": m.Message.Attributes, "messageId": m.Message.MessageId,
				"publishTime": m.Message.PublishTime.AsTime(),
			},
			"subscription": ordersSubscription, "deliveryAttempt": m.DeliveryAttempt,
		})
		if err != nil {
			t.Fatal(err)
		}
		if status(t, http.MethodPost, url+"/", text)/100 == 2 {
			err = client.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: ordersSubscription, AckIds: []string{m.AckId}})
		} else {
			err = client.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{Subscription: ordersSubscription, AckIds: []string{m.AckId}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// status is that of a request, 0 for one without an answer.
func status(t *testing.T, method, url string, body []byte) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// freePort is one that nobody listened on a moment ago: the server takes its own by
// number, as on Cloud Run.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
