package sqsfake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// answer is that to a raw request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func post(t *testing.T, s *sqsfake.Server, target string, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	client := s.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, out}
}

func TestErrorsOnTheWire(t *testing.T) {
	s := sqsfake.New(nil)
	defer s.Close()
	tests := []struct {
		name, target, body string
		status             int
		typ, query         string
	}{
		{"missing queue", "AmazonSQS.SendMessage", `{"QueueUrl":"http://sqs.test/000000000000/none","MessageBody":"x"}`,
			400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender"},
		{"no queue", "AmazonSQS.SendMessage", `{}`, 400, "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter;Sender"},
		{"bad address", "AmazonSQS.SendMessage", `{"QueueUrl":"x"}`, 404, "com.amazonaws.sqs#InvalidAddress", "InvalidAddress;Sender"},
		{"no JSON", "AmazonSQS.SendMessage", `{"QueueUrl":`, 400, "com.amazon.coral.service#SerializationException", "SerializationException;Sender"},
		{"wrong type", "AmazonSQS.ReceiveMessage", `{"WaitTimeSeconds":"long"}`, 400, "com.amazon.coral.service#SerializationException", "SerializationException;Sender"},
		{"no body", "AmazonSQS.ListQueues", ``, 400, "com.amazon.coral.service#SerializationException", "SerializationException;Sender"},
		{"unknown operation", "AmazonSQS.Dance", `{}`, 404, "com.amazon.coral.service#UnknownOperationException", "UnknownOperationException;Sender"},
		{"unknown service", "DynamoDB.Scan", `{}`, 404, "com.amazon.coral.service#UnknownOperationException", "UnknownOperationException;Sender"},
		{"too large", "AmazonSQS.SendMessage", `{"MessageBody":"` + strings.Repeat("x", 8<<20) + `"}`,
			413, "com.amazon.coral.service#RequestEntityTooLargeException", "RequestEntityTooLarge;Sender"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := post(t, s, tt.target, []byte(tt.body))
			var e struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal(got.body, &e); err != nil {
				t.Fatalf("%v in %s", err, got.body)
			}
			if got.status != tt.status || e.Type != tt.typ || got.header.Get("X-Amzn-Query-Error") != tt.query || e.Message == "" {
				t.Errorf("got %d %s %q: %s; want %d %s %q", got.status, e.Type, got.header.Get("X-Amzn-Query-Error"), e.Message, tt.status, tt.typ, tt.query)
			}
			if ct := got.header.Get("Content-Type"); ct != "application/x-amz-json-1.0" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

// Whatever the bytes, the server must answer, with an object of JSON, and go on.
func FuzzRequest(f *testing.F) {
	const url = `"QueueUrl":"http://sqs.test/000000000000/orders"`
	for op, body := range map[string]string{
		"SendMessage":             `{` + url + `,"MessageBody":"x","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AAE="}},"DelaySeconds":1}`,
		"SendMessageBatch":        `{` + url + `,"Entries":[{"Id":"a","MessageBody":"x","MessageGroupId":"g"},{"Id":"b"}]}`,
		"ReceiveMessage":          `{` + url + `,"MaxNumberOfMessages":10,"AttributeNames":["All"],"MessageAttributeNames":["a.*"]}`,
		"DeleteMessage":           `{` + url + `,"ReceiptHandle":"AAAA"}`,
		"DeleteMessageBatch":      `{` + url + `,"Entries":[{"Id":"a","ReceiptHandle":"AAAA"}]}`,
		"ChangeMessageVisibility": `{` + url + `,"ReceiptHandle":"AAAA","VisibilityTimeout":1}`,
		"CreateQueue":             `{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true","RedriveAllowPolicy":"{}"},"tags":{"a":"b"}}`,
		"SetQueueAttributes":      `{` + url + `,"Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\",\"maxReceiveCount\":\"1\"}"}}`,
		"GetQueueAttributes":      `{` + url + `,"AttributeNames":["All"]}`,
		"ListQueues":              `{"MaxResults":1,"NextToken":"AAAA"}`,
		"StartMessageMoveTask":    `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:dead","MaxNumberOfMessagesPerSecond":1}`,
		"ListMessageMoveTasks":    `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:dead"}`,
		"CancelMessageMoveTask":   `{"TaskHandle":"e30="}`,
		"TagQueue":                `null`,
		"PurgeQueue":              `[]`,
	} {
		f.Add(op, []byte(body))
	}
	f.Fuzz(func(t *testing.T, op string, body []byte) {
		if strings.ContainsFunc(op, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip("no header value")
		}
		synctest.Test(t, func(t *testing.T) {
			s := sqsfake.New(nil)
			defer s.Close()
			for _, name := range []string{"dead", "orders"} {
				post(t, s, "AmazonSQS.CreateQueue", fmt.Appendf(nil, `{"QueueName":%q}`, name))
			}
			post(t, s, "AmazonSQS.SendMessage", []byte(`{`+url+`,"MessageBody":"x"}`))
			out := post(t, s, "AmazonSQS."+op, body).body
			if !json.Valid(out) || out[0] != '{' {
				t.Errorf("answered %q", out)
			}
			if got := post(t, s, "AmazonSQS.ListQueues", []byte(`{}`)).status; got != http.StatusOK {
				t.Errorf("status %d after the request", got)
			}
		})
	})
}
