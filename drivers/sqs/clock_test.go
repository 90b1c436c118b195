package sqs_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// strict is an HTTP client that refuses signatures of another hour than its own,
// as Amazon SQS does.
type strict struct {
	awssqs.HTTPClient
	ahead time.Duration
}

func (c strict) Do(r *http.Request) (*http.Response, error) {
	now := time.Now().Add(c.ahead).UTC()
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	if now.Sub(signed).Abs() < 15*time.Minute {
		out, err := c.HTTPClient.Do(r)
		if err == nil {
			out.Header.Set("Date", now.Format(http.TimeFormat))
		}
		return out, err
	}
	h := http.Header{}
	h.Set("Date", now.Format(http.TimeFormat))
	text := `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired: it is now earlier than that"}`
	return &http.Response{StatusCode: http.StatusBadRequest, Header: h, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// The SDK learns from the refusal how wrong this machine's clock is, so the next
// request is right: the credentials are not to blame, and a poller goes on.
func TestAWrongClockIsNoFaultOfTheCredentials(t *testing.T) {
	on(t, "", nil, func(e *env) {
		skewed := awssqs.New(e.client.Options(), func(o *awssqs.Options) { o.HTTPClient = strict{o.HTTPClient, time.Hour} })
		q := e.open(skewed, "orders")
		_, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("the first receive", err, driver.Unavailable)
		if err != nil && !strings.Contains(err.Error(), "clock") {
			e.Errorf("%v; want that it is the clock", err)
		}
		if _, err = q.Receive(e.Context(), driver.ReceiveOptions{Max: 1}); err != nil {
			e.Errorf("the second receive: %v", err)
		}
	})
}
