package pubsubemulator_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/pubsub" // opens pubsub://
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pubsubemulator"
)

// queueCount makes names of queues that no other test uses.
var queueCount atomic.Int64

// makeQueue makes a topic and a subscription of this hold, with their dead letter,
// which end with the emulator, and answers the URL of the queue.
func makeQueue(ctx context.Context, clients pubsubfake.Clients, hold time.Duration) (url string, err error) {
	const project = "tests"
	topic := func(id string) string { return "projects/" + project + "/topics/" + id }
	name := fmt.Sprintf("q-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), queueCount.Add(1))
	dead := name + "-dead"
	for _, id := range []string{dead, name} {
		s := &pubsubpb.Subscription{
			Name: "projects/" + project + "/subscriptions/" + id, Topic: topic(id),
			AckDeadlineSeconds: int32(hold / time.Second), ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, // never
		}
		if id == name { // the dead letter keeps for a week, the emulator's longest
			s.MessageRetentionDuration = durationpb.New(24 * time.Hour)
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic(dead), MaxDeliveryAttempts: 100}
		}
		if _, err := clients.Topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
			return "", err
		}
		if _, err := clients.Subscriptions.CreateSubscription(ctx, s); err != nil {
			return "", err
		}
	}
	return "pubsub://" + project + "/" + name, nil
}

// openQueue opens a queue of an emulator by its URL, as users do.
func openQueue(host, url string) (driver.Queue, error) {
	if err := os.Setenv(pubsubemulator.EnvHost, host); err != nil {
		return nil, err
	}
	return driver.Default.Open(context.Background(), url)
}

// newQueue makes a queue on the shared emulator and opens it.
func newQueue(t *testing.T, hold time.Duration) (host, url string, q driver.Queue, err error) {
	t.Helper()
	host = pubsubemulator.Host(t)
	if url, err = makeQueue(t.Context(), connect(t, host), hold); err != nil {
		return "", "", nil, err
	}
	q, err = openQueue(host, url)
	return host, url, q, err
}
