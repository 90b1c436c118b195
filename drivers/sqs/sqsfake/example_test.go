package sqsfake_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// A client of the AWS SDK sends to and receives from a server in the same
// process. The third send is throttled.
func Example() {
	server := sqsfake.New(nil)
	defer server.Close()
	client := sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL()),
		HTTPClient:   server.HTTPClient(),
		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
		Retryer:      aws.NopRetryer{},
	})

	ctx := context.Background()
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(body string) error {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body})
		return err
	}
	fmt.Println(send("first"), send("second"))

	server.Fault(sqsfake.Fault{Op: "SendMessage", Count: 1, Error: sqsfake.Throttled})
	fmt.Println(send("third") != nil)

	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range got.Messages {
		fmt.Println(*m.Body)
	}
	fmt.Println(server.Requests()["SendMessage"], "sends")
	// Output:
	// <nil> <nil>
	// true
	// first
	// second
	// 3 sends
}
