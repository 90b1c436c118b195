package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// start serves b for the time of a test and sets the environment to it.
func start(t *testing.T, b broker) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}) // closed when Serve has returned
	go func() {
		defer close(ended)
		_ = b.Serve(l) // how it ends is not what is tested
	}()
	t.Cleanup(func() {
		_ = l.Close() // a server may have closed it
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	for _, variable := range environment("http://" + l.Addr().String()) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

func startNull(t *testing.T) *nullServer {
	t.Helper()
	messages, err := encoded(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	s := newNullServer(messages)
	start(t, s)
	return s
}

func client(t *testing.T) *awssqs.Client {
	t.Helper()
	c, err := newClient(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNullServerBringsTenNewMessagesEachTime(t *testing.T) {
	s := startNull(t)
	c := client(t)
	seen := make(map[string]bool)
	for range 3 {
		got, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: aws.String(queueURL()), MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		if err != nil || len(got.Messages) != 10 { // the SDK checks the checksums
			t.Fatalf("got %d messages, %v", len(got.Messages), err)
		}
		for _, m := range got.Messages {
			if err := load.DoRaw([]byte(*m.Body)); err != nil {
				t.Error(err)
			}
			if m.MD5OfBody == nil || len(m.Attributes) != 1 {
				t.Errorf("checksum %v, attributes %v", m.MD5OfBody, m.Attributes)
			}
			for _, id := range []string{*m.MessageId, *m.ReceiptHandle} {
				if seen[id] {
					t.Errorf("%s came twice", id)
				}
				seen[id] = true
			}
		}
	}
	if got, want := s.Counts()[opReceive], (opCount{3, 30}); got != want {
		t.Errorf("counted %v, want %v", got, want)
	}
}

func TestNullServerTakesBatches(t *testing.T) {
	s := startNull(t)
	c, url := client(t), queueURL()
	sent, err := c.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("one")}, {Id: aws.String("b"), MessageBody: aws.String(`"two" \ €`)},
	}})
	if err != nil || len(sent.Successful) != 2 || len(sent.Failed) != 0 {
		t.Errorf("send: %+v, %v", sent, err)
	}
	deleted, err := c.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("0"), ReceiptHandle: aws.String("x")}, {Id: aws.String("1"), ReceiptHandle: aws.String("y")}, {Id: aws.String("2"), ReceiptHandle: aws.String("z")},
	}})
	if err != nil || len(deleted.Successful) != 3 || *deleted.Successful[2].Id != "2" {
		t.Errorf("delete: %+v, %v", deleted, err)
	}
	changed, err := c.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("0"), ReceiptHandle: aws.String("x"), VisibilityTimeout: 5},
	}})
	if err != nil || len(changed.Successful) != 1 {
		t.Errorf("change: %+v, %v", changed, err)
	}
	for op, want := range map[string]opCount{opSend: {1, 2}, opDelete: {1, 3}, opChange: {1, 1}, opReceive: {0, 0}, "other": {0, 0}} {
		if got := s.Counts()[op]; got != want {
			t.Errorf("%s: counted %v, want %v", op, got, want)
		}
	}
}

func TestNullServerRefusesWhatItDoesNotKnow(t *testing.T) {
	startNull(t)
	if _, err := client(t).PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: aws.String(queueURL())}); err == nil ||
		!strings.Contains(err.Error(), `has no operation "PurgeQueue"`) {
		t.Errorf("got %v", err)
	}
}

// Two that were written apart agree.
func TestChecksumOfAttributesIsTheOtherServers(t *testing.T) {
	start(t, newFakeServer())
	c := client(t)
	q, err := c.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(load.QueueName)})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]attribute{"b": {"String", "two €"}, "a": {"Number", "1"}}
	native := make(map[string]types.MessageAttributeValue)
	for name, a := range own {
		native[name] = types.MessageAttributeValue{DataType: &a.DataType, StringValue: &a.StringValue}
	}
	sent, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("x"), MessageAttributes: native})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := md5OfAttributes(own), aws.ToString(sent.MD5OfMessageAttributes); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := md5OfAttributes(nil); got != "" {
		t.Errorf("of none it is %q", got)
	}
}

func TestMain(m *testing.M) {
	// The figures start this program for servers and workers; here it is the test.
	if len(os.Args) > 1 && (os.Args[1] == "server" || os.Args[1] == "worker") {
		main()
	}
	os.Exit(m.Run())
}
