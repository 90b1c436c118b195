// Package clouds has the in-process servers of all three clouds, each with a queue
// "orders" and its dead letter, for who has no account at hand.
package clouds

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// How the queues are configured. Each of the brokers gives a task up after more
// deliveries than the configuration files allow a worker.
const (
	queue, dead   = "orders", "orders-dead"
	project       = "shop"
	region        = "eu-west-1"
	deliveries    = 25
	retention     = 4 * 24 * time.Hour
	deadRetention = 14 * 24 * time.Hour
)

// Clouds are the running servers.
type Clouds struct {
	SQS        *sqsfake.Server
	PubSub     *pubsubfake.Server
	ServiceBus *sbfake.Server

	sqsAddress, pubsubAddress, busAddress string
	serving                               sync.WaitGroup
}

// Start serves on free ports of the loopback interface until Close. The error is that
// of a listener or of a queue that could not be made.
func Start(ctx context.Context) (*Clouds, error) {
	c := &Clouds{
		SQS: sqsfake.New(&sqsfake.Options{Region: region}), PubSub: pubsubfake.New(nil), ServiceBus: sbfake.New(nil),
	}
	err := errors.Join(
		c.serve(ctx, &c.sqsAddress, c.SQS.Serve),
		c.serve(ctx, &c.pubsubAddress, c.PubSub.Serve),
		c.serve(ctx, &c.busAddress, c.ServiceBus.Serve),
	)
	if err == nil {
		err = errors.Join(
			c.provisionSQS(ctx), c.provisionPubSub(ctx),
			c.ServiceBus.CreateQueue(queue, sbfake.QueueConfig{LockDuration: time.Minute, MaxDeliveryCount: deliveries}),
		)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// serve has a server answer on a free port.
func (c *Clouds) serve(ctx context.Context, address *string, serve func(net.Listener) error) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	*address = l.Addr().String()
	c.serving.Go(func() { _ = serve(l) }) // it ends with Close
	return nil
}

// Close ends the servers, and what is on their queues with them.
func (c *Clouds) Close() {
	_ = errors.Join(c.SQS.Close(), c.PubSub.Close(), c.ServiceBus.Close()) // nil, each
	c.serving.Wait()
}

// Endpoint is the URL of Amazon SQS.
func (c *Clouds) Endpoint() string { return "http://" + c.sqsAddress }

// Environment is by which programs find the servers, as those of each cloud do:
// NAME=VALUE.
func (c *Clouds) Environment() []string {
	return []string{
		"AWS_ENDPOINT_URL_SQS=" + c.Endpoint(), "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_EC2_METADATA_DISABLED=true",
		"PUBSUB_EMULATOR_HOST=" + c.pubsubAddress, "GOOGLE_CLOUD_PROJECT=" + project,
		"SERVICEBUS_CONNECTION_STRING=" + c.ServiceBus.ConnectionStringFor(c.busAddress),
	}
}

func (c *Clouds) provisionSQS(ctx context.Context) error {
	client := awssqs.New(awssqs.Options{
		Region: region, BaseEndpoint: aws.String(c.SQS.URL()), HTTPClient: c.SQS.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	_, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{
		QueueName: aws.String(dead), Attributes: map[string]string{"MessageRetentionPeriod": seconds(deadRetention)},
	})
	if err != nil {
		return err
	}
	_, err = client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String(queue), Attributes: map[string]string{
		"VisibilityTimeout": "30", "MessageRetentionPeriod": seconds(retention),
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:000000000000:%s","maxReceiveCount":%d}`, region, dead, deliveries),
	}})
	return err
}

func (c *Clouds) provisionPubSub(ctx context.Context) error {
	topics, err := apiv1.NewTopicAdminClient(ctx, c.PubSub.ClientOptions()...)
	if err != nil {
		return err
	}
	defer topics.Close()
	subscriptions, err := apiv1.NewSubscriptionAdminClient(ctx, c.PubSub.ClientOptions()...)
	if err != nil {
		return err
	}
	defer subscriptions.Close()
	topic := func(id string) string { return "projects/" + project + "/topics/" + id }
	for _, s := range []*pubsubpb.Subscription{ // the dead letter's topic comes first
		{Name: dead, MessageRetentionDuration: durationpb.New(deadRetention)},
		{
			Name: queue, MessageRetentionDuration: durationpb.New(retention), AckDeadlineSeconds: 30,
			DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic(dead), MaxDeliveryAttempts: deliveries},
		},
	} {
		s.Name, s.Topic = "projects/"+project+"/subscriptions/"+s.Name, topic(s.Name)
		s.ExpirationPolicy = &pubsubpb.ExpirationPolicy{} // never
		if _, err := topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
			return err
		}
		if _, err := subscriptions.CreateSubscription(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
