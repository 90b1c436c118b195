package main

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const (
	// project has all queues.
	project = "bench"
	// hold is the ack deadline of all subscriptions, the shortest of Pub/Sub.
	hold = 10 * time.Second
	// retention and deadRetention are for how long a queue and its dead letter keep
	// messages.
	retention, deadRetention = 24 * time.Hour, 14 * 24 * time.Hour
	deadSuffix               = "-dead"
)

// broker is a server with clients of its own.
type broker struct {
	server        *pubsubfake.Server
	topics        *apiv1.TopicAdminClient
	subscriptions *apiv1.SubscriptionAdminClient
}

// serve is the process of a server: it obeys the commands on in, and ends with it.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	b := &broker{server: pubsubfake.New(nil)}
	var err error
	if b.topics, err = apiv1.NewTopicAdminClient(ctx, b.server.ClientOptions()...); err != nil {
		return err
	}
	if b.subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, b.server.ClientOptions()...); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- b.server.Serve(l) }()
	err = server.Serve(ctx, b, l.Addr().String(), in, out)
	return errors.Join(err, b.topics.Close(), b.subscriptions.Close(), b.server.Close(), <-ended)
}

// Look is the requests so far, and what is left on a queue.
func (b *broker) Look(queue string) server.State {
	count := b.server.Count(subscription(queue))
	return server.State{
		Requests: b.server.Requests(), InFlight: b.server.InFlight(),
		Left: count.Ready + count.Leased + count.Delayed,
	}
}

// environment is by which a process finds the server, as Google's libraries do.
func environment(address string) string { return "PUBSUB_EMULATOR_HOST=" + address }

func topic(queue string) string        { return "projects/" + project + "/topics/" + queue }
func subscription(queue string) string { return "projects/" + project + "/subscriptions/" + queue }

// Make makes a queue with its dead letter, and sends tasks.
func (b *broker) Make(ctx context.Context, name string, tasks int) error {
	for _, id := range []string{name + deadSuffix, name} {
		s := &pubsubpb.Subscription{
			Name: subscription(id), Topic: topic(id), AckDeadlineSeconds: int32(hold / time.Second),
			MessageRetentionDuration: durationpb.New(deadRetention), ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, // never
		}
		if id == name {
			s.MessageRetentionDuration = durationpb.New(retention)
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic(name + deadSuffix), MaxDeliveryAttempts: 100}
		}
		if _, err := b.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
			return err
		}
		if _, err := b.subscriptions.CreateSubscription(ctx, s); err != nil {
			return err
		}
	}
	q, err := pubsub.New(pubsub.Clients{Topics: b.topics, Subscriptions: b.subscriptions}, project, name, nil)
	if err != nil {
		return err
	}
	return load.Fill(ctx, q, tasks)
}

// Drop deletes a queue with all that it has.
func (b *broker) Drop(ctx context.Context, name string) error {
	var errs []error
	for _, id := range []string{name, name + deadSuffix} {
		errs = append(errs,
			b.subscriptions.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: subscription(id)}),
			b.topics.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic(id)}))
	}
	return errors.Join(errs...)
}

var _ server.Broker = (*broker)(nil)
