package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// raw is the loop that one writes by hand with the SDK: receive ten, decode them,
// do them, delete them in one batch, in each of some pollers.
var raw = contender{
	name: "raw SDK loop", parallel: []int{1, 2, 4, 8, 16, 32},
	does: "receive 10, envelope and JSON, handler, delete 10",
	open: func(ctx context.Context, pollers int, done func(error)) (func() error, error) {
		client, err := newClient(ctx, pollers)
		if err != nil {
			return nil, err
		}
		polling, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range pollers {
			all.Go(func() {
				for polling.Err() == nil {
					if err := rawBatch(ctx, client, done); err != nil {
						done(err)
						return
					}
				}
			})
		}
		return func() error {
			stop()
			all.Wait()
			return nil
		}, nil
	},
}

// rawBatch does one batch.
func rawBatch(ctx context.Context, client *awssqs.Client, done func(error)) error {
	url := queueURL()
	received, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
	})
	if err != nil {
		return err
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(received.Messages))
	for i, m := range received.Messages {
		if err := load.DoRaw([]byte(aws.ToString(m.Body))); err != nil {
			return err
		}
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
	}
	if len(entries) == 0 {
		return nil
	}
	deleted, err := client.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		return err
	}
	if len(deleted.Failed) > 0 {
		return fmt.Errorf("%d deletes failed", len(deleted.Failed))
	}
	for range entries {
		done(nil)
	}
	return nil
}
