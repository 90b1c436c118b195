package main

import (
	"context"
	"net"
	"sync"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// serve serves an Amazon SQS with the function's queue until stop is called.
func serve(ctx context.Context) (endpoint string, stop func(), err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := sqsfake.New(nil)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // it ends with stop
	stop = func() {
		_ = server.Close()
		serving.Wait()
	}
	endpoint = "http://" + l.Addr().String()
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	for _, q := range []struct {
		name       string
		attributes map[string]string
	}{
		{"orders-dead", map[string]string{"MessageRetentionPeriod": "1209600"}},
		{"orders", map[string]string{
			"VisibilityTimeout": "360",
			"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dead","maxReceiveCount":1000}`,
		}},
	} {
		if _, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &q.name, Attributes: q.attributes}); err != nil {
			stop()
			return "", nil, err
		}
	}
	return endpoint, stop, nil
}
