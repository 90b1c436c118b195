package sqsfake_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// The server must not slow down as a queue fills. One operation is a batch of ten
// messages sent, received and deleted, behind a backlog; it counts the SDK too.
func BenchmarkBatchOfTen(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			s := sqsfake.New(nil)
			defer s.Close()
			client := newClient(s)
			out, err := client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: new("orders")})
			if err != nil {
				b.Fatal(err)
			}
			send := &sqs.SendMessageBatchInput{QueueUrl: out.QueueUrl}
			for i := range 10 {
				send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: new(strings.Repeat("x", 200))})
			}
			for range backlog / 10 {
				if _, err := client.SendMessageBatch(b.Context(), send); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.SendMessageBatch(b.Context(), send); err != nil {
					b.Fatal(err)
				}
				got, err := client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: out.QueueUrl, MaxNumberOfMessages: 10})
				if err != nil {
					b.Fatal(err)
				}
				del := &sqs.DeleteMessageBatchInput{QueueUrl: out.QueueUrl}
				for i, m := range got.Messages {
					del.Entries = append(del.Entries, types.DeleteMessageBatchRequestEntry{Id: send.Entries[i].Id, ReceiptHandle: m.ReceiptHandle})
				}
				if _, err := client.DeleteMessageBatch(b.Context(), del); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
