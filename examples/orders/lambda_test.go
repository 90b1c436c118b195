package orders_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/examples/orders"
)

// invoker is the Runtime API of AWS Lambda for one function: the function asks for an
// event and answers it (AWS Lambda Developer Guide, "Using the Lambda runtime API").
type invoker struct {
	events  chan []byte // to the function; closed by nobody
	answers chan []byte // from it; closed by nobody
}

func (i *invoker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/2020-01-01/extension/register": // by which the function is to get SIGTERM
		w.Header().Set("Lambda-Extension-Identifier", "1")
	case "/2020-01-01/extension/event/next":
		<-r.Context().Done()
	case "/2018-06-01/runtime/invocation/next":
		select {
		case event := <-i.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(functionTime).UnixMilli()))
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	default: // a response, or an error of the function
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		i.answers <- fmt.Appendf(nil, "%s %s", r.URL.Path, body)
	}
}

// functionTime is the function's timeout, and functionBatch the size of its batches.
const (
	functionTime  = 25 * time.Second
	functionBatch = 10
)

// The function that is deployed, on the queue of Amazon SQS, brought its messages as an
// event source mapping with ReportBatchItemFailures does.
func confirmsOrdersOnLambda(t *testing.T, p programs) {
	s := open(t)
	s.place(t, orders.Made(1, 30))
	payable, declined := s.payable()
	p.start(t, s.env, "shop", "-config", "sqs.yaml", "-n", "30").wait(t)
	api := &invoker{make(chan []byte), make(chan []byte)}
	web := httptest.NewServer(api)
	t.Cleanup(web.Close)
	env := slices.Concat(s.env, []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(web.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=orders"})
	function := p.start(t, env, "lambda")
	client := awssqs.New(awssqs.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(s.clouds.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	at, err := client.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}

	eventually(t, "every order is confirmed", func() bool {
		got, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: at.QueueUrl, MaxNumberOfMessages: functionBatch, VisibilityTimeout: 30,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) > 0 {
			for id, handle := range api.invoke(t, got.Messages) {
				if _, err := client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: at.QueueUrl, ReceiptHandle: &handle}); err != nil {
					t.Errorf("delete %s: %v", id, err)
				}
			}
		}
		return len(s.written(t)) == len(payable)
	})
	function.kill() // as Lambda does, at last

	s.addsUp(t)
	deadAre(t, p.dead(t, s.env, "sqs.yaml"), declined)
}

// invoke has the function do messages. It answers the receipt handles by id of those
// that are to be deleted.
func (i *invoker) invoke(t *testing.T, messages []types.Message) map[string]string {
	t.Helper()
	var event events.SQSEvent
	remove := make(map[string]string)
	for _, m := range messages {
		record := events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			MessageAttributes: make(map[string]events.SQSMessageAttribute),
			EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:orders", AWSRegion: "eu-west-1",
		}
		for name, a := range m.MessageAttributes {
			record.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: *a.DataType}
		}
		event.Records = append(event.Records, record)
		remove[*m.MessageId] = *m.ReceiptHandle
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var said []byte
	for next := i.events; said == nil; {
		select {
		case next <- text:
			next = nil // it is under way
		case said = <-i.answers:
		case <-time.After(patience):
			t.Fatalf("the function has not answered after %v", patience)
		}
	}
	answer, ok := strings.CutPrefix(string(said), "/2018-06-01/runtime/invocation/1/response ")
	var failed events.SQSEventResponse
	if !ok || json.Unmarshal([]byte(answer), &failed) != nil {
		t.Fatalf("the function says %s", said)
	}
	for _, f := range failed.BatchItemFailures {
		if remove[f.ItemIdentifier] == "" {
			t.Errorf("failed is %q, which is none of the messages", f.ItemIdentifier)
		}
		delete(remove, f.ItemIdentifier)
	}
	return remove
}
