package sqs

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// hasty is an HTTP client that answers after a moment, whatever it is asked for.
type hasty struct{ requests int }

func (h *hasty) Do(r *http.Request) (*http.Response, error) {
	h.requests++
	time.Sleep(5 * time.Millisecond)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r}, nil
}

// Each request is paid for: one that was to wait and did not is not made again at
// once, thousands of times.
func TestAnEndpointThatDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hasty
		client := awssqs.New(awssqs.Options{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: &h})
		q, err := New(client, "https://sqs.us-east-1.amazonaws.com/000000000000/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		got, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1, Wait: 20 * time.Second, Hold: time.Minute})
		if took := time.Since(began); err != nil || got != nil || took < 20*time.Second || took > 20*time.Second+slack {
			t.Errorf("%d leases, %v, after %v; want none after 20s", len(got), err, took)
		}
		if h.requests > 25 {
			t.Errorf("%d requests in 20s", h.requests)
		}
	})
}
