package sqsfake_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// env is a server and a client of it.
type env struct {
	*testing.T
	server *sqsfake.Server
	client *sqs.Client
}

// bubble runs test in virtual time on a server of its own.
func bubble(t *testing.T, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sqsfake.New(nil)
		defer s.Close()
		test(&env{t, s, newClient(s)})
	})
}

func newClient(s *sqsfake.Server) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.URL()),
		HTTPClient:   s.HTTPClient(),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
	})
}

// queue creates a queue, with attributes given as name, value, ...
func (e *env) queue(name string, attributes ...string) *string {
	e.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := e.client.CreateQueue(e.Context(), in)
	e.must(err)
	return out.QueueUrl
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) send(q *string, body string) *sqs.SendMessageOutput {
	e.Helper()
	out, err := e.client.SendMessage(e.Context(), &sqs.SendMessageInput{QueueUrl: q, MessageBody: &body})
	e.must(err)
	return out
}

// sendGroup sends to a FIFO queue; the body is the dedup id as well.
func (e *env) sendGroup(q *string, group, body string) *sqs.SendMessageOutput {
	e.Helper()
	out, err := e.client.SendMessage(e.Context(), &sqs.SendMessageInput{
		QueueUrl: q, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body,
	})
	e.must(err)
	return out
}

// receive takes up to ten messages, waiting for wait seconds.
func (e *env) receive(q *string, wait int32) []types.Message {
	e.Helper()
	out, err := e.client.ReceiveMessage(e.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: q, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		MessageAttributeNames:       []string{"All"},
	})
	e.must(err)
	return out.Messages
}

// poll is receive in a goroutine, for at most limit messages.
func (e *env) poll(q *string, limit, wait int32) <-chan []types.Message {
	got := make(chan []types.Message, 1)
	go func() {
		out, err := e.client.ReceiveMessage(e.Context(), &sqs.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: limit, WaitTimeSeconds: wait})
		if err != nil {
			e.Error(err)
			out = &sqs.ReceiveMessageOutput{}
		}
		got <- out.Messages
	}()
	return got
}

// one receives exactly one message.
func (e *env) one(q *string, wait int32) types.Message {
	e.Helper()
	ms := e.receive(q, wait)
	if len(ms) != 1 {
		e.Fatalf("received %d messages %v, want 1", len(ms), bodies(ms))
	}
	return ms[0]
}

func (e *env) delete(q *string, m types.Message) error {
	_, err := e.client.DeleteMessage(e.Context(), &sqs.DeleteMessageInput{QueueUrl: q, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (e *env) change(q *string, m types.Message, seconds int32) error {
	_, err := e.client.ChangeMessageVisibility(e.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: q, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

func (e *env) attributes(q *string) map[string]string {
	e.Helper()
	out, err := e.client.GetQueueAttributes(e.Context(), &sqs.GetQueueAttributesInput{QueueUrl: q, AttributeNames: []types.QueueAttributeName{"All"}})
	e.must(err)
	return out.Attributes
}

// counts are the messages visible, in flight and delayed.
func (e *env) counts(q *string) string {
	e.Helper()
	a := e.attributes(q)
	return fmt.Sprintf("%s %s %s", a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"])
}

// pair creates a queue and its dead letter.
func (e *env) pair(name string, maxReceives int, attributes ...string) (q, dead *string) {
	e.Helper()
	suffix := ""
	if len(attributes) > 0 && attributes[0] == "FifoQueue" {
		suffix = ".fifo"
	}
	dead = e.queue(name+"-dead"+suffix, attributes...)
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%q}`, e.attributes(dead)["QueueArn"], strconv.Itoa(maxReceives))
	return e.queue(name+suffix, append(attributes, "RedrivePolicy", policy)...), dead
}

// code is the error code that the SDK shows.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

// wantCode fails unless err has the code.
func (e *env) wantCode(err error, want string) {
	e.Helper()
	if got := code(err); got != want {
		e.Errorf("error code %q (%v), want %q", got, err, want)
	}
}

func bodies(ms []types.Message) []string {
	var bs []string
	for _, m := range ms {
		bs = append(bs, *m.Body)
	}
	return bs
}
