package sqs

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// answering is an HTTP client that answers each operation with a text.
type answering map[string]string

func (a answering) Do(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a[op])), Request: r}, nil
}

// A Policy that finds that the queue has another dead letter, or none any more,
// may come at any time of a Bury.
func TestBuryWhileTheDeadLetterChanges(t *testing.T) {
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", Credentials: aws.AnonymousCredentials{},
		HTTPClient: answering{
			"GetQueueUrl":      `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/orders-dead"}`,
			"SendMessageBatch": `{"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false}]}`,
		},
	})
	q, err := New(client, "https://sqs.us-east-1.amazonaws.com/000000000000/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	dead, _ := parseARN("arn:aws:sqs:us-east-1:000000000000:orders-dead")
	q.source.settings.Store(&settings{dead: dead, receives: 20})
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				q.followDead(arn{})
			}
		}
	})
	for range 500 {
		l := &lease{source: &q.source, message: driver.Message{ID: "id", Body: []byte("x")}, handle: "handle"}
		batch := []driver.Settlement{{Lease: l, Verdict: driver.Bury, Reason: "test"}}
		errs := make([]error, 1)
		q.source.sendCopies(t.Context(), "op", batch, []claim{{Index: 0, Lease: l}}, errs)
		if !driver.Is(errs[0], driver.Unavailable) {
			t.Errorf("%v; want what the broker said", errs[0])
		}
	}
	close(done)
	all.Wait()
}
