//go:build !race

package sqs

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// null answers each request with what it has for its operation, without a
// connection, so that what is measured is the driver and the SDK.
type null map[string][]byte

func (n null) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	answer := n[strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")]
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: nullHeader, Request: r,
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}

var nullHeader = http.Header{
	"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"0"}, "Date": {time.Unix(0, 0).UTC().Format(http.TimeFormat)},
}

// newNull has ten messages for every receive.
func newNull(tb testing.TB) null {
	tb.Helper()
	body := `{"specversion":"1.0","id":"00dc6acf-ac00-7e48-9677-5c635369179f","source":"longshore","type":"bench","data":{"n":1}}`
	sum := md5.Sum([]byte(body))
	type message struct {
		MessageId, ReceiptHandle, MD5OfBody, Body string
		Attributes                                map[string]string
	}
	type entry struct{ Id, MessageId, MD5OfMessageBody string }
	var received struct{ Messages []message }
	var sent struct{ Successful []entry }
	for i := range maxBatch {
		received.Messages = append(received.Messages, message{
			fmt.Sprintf("00000000-0000-0000-0000-%012d", i), strings.Repeat("h", 180), hex.EncodeToString(sum[:]), body,
			map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
		})
		sent.Successful = append(sent.Successful, entry{*ids[i], "00000000-0000-0000-0000-000000000000", hex.EncodeToString(sum[:])})
	}
	n := make(null)
	for op, v := range map[string]any{"ReceiveMessage": received, "SendMessageBatch": sent, "DeleteMessageBatch": sent, "ChangeMessageVisibilityBatch": sent} {
		b, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		n[op] = b
	}
	return n
}

func nullClient(tb testing.TB) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://sqs.test"), HTTPClient: newNull(tb), Retryer: aws.NopRetryer{},
		Credentials: aws.NewCredentialsCache(awscredentials.NewStaticCredentialsProvider("id", "secret", "")),
	})
}

const nullURL = "https://sqs.us-east-1.amazonaws.com/000000000000/orders"

// ofDriver and ofSDK receive ten messages and delete them.
func ofDriver(tb testing.TB) func() {
	q, err := New(nullClient(tb), nullURL, &Options{Hold: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = q.Close(context.Background()) })
	ctx := context.Background()
	batch := make([]driver.Settlement, maxBatch)
	return func() {
		leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: maxBatch, Wait: maxPoll})
		if err != nil || len(leases) != maxBatch {
			tb.Fatalf("%d leases, %v", len(leases), err)
		}
		for i, l := range leases {
			m := l.Message()
			if len(m.Body) == 0 {
				tb.Fatal("no body")
			}
			batch[i] = driver.Settlement{Lease: l, Verdict: driver.Ack}
		}
		for _, err := range q.Settle(ctx, batch) {
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func ofSDK(tb testing.TB) func() {
	client := nullClient(tb)
	ctx := context.Background()
	url := aws.String(nullURL)
	return func() {
		out, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: maxBatch, WaitTimeSeconds: 20, VisibilityTimeout: 60,
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount", "SentTimestamp"},
		})
		if err != nil || len(out.Messages) != maxBatch {
			tb.Fatal(err)
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i := range out.Messages {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: ids[i], ReceiptHandle: out.Messages[i].ReceiptHandle}
		}
		if _, err := client.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries}); err != nil {
			tb.Fatal(err)
		}
	}
}

// The driver must cost little beside the SDK: at most four allocations a message
// more than a loop on the SDK alone, and ten a batch.
func TestAllocations(t *testing.T) {
	own, sdk := testing.AllocsPerRun(200, ofDriver(t)), testing.AllocsPerRun(200, ofSDK(t))
	if most := sdk + 4*maxBatch + 10; own > most {
		t.Errorf("to receive and ack %d messages takes %.0f allocations, %.0f with the SDK alone; want at most %.0f", maxBatch, own, sdk, most)
	}
}

func BenchmarkReceiveAndAck(b *testing.B) {
	for name, of := range map[string]func(testing.TB) func(){"driver": ofDriver, "sdk": ofSDK} {
		b.Run(name, func(b *testing.B) {
			ten := of(b)
			b.ReportAllocs()
			for b.Loop() {
				ten()
			}
		})
	}
}
