package sqs

import (
	"bytes"
	"io"
	"net/http"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// wholeBodies is an HTTP client that gives net/http the bodies of requests as bytes
// in memory.
//
// The SDK closes a request's body once it has the response, while net/http may
// still look whether the body has more than its length, and what a closed body of
// the SDK answers to that (io.EOF from WriteTo) net/http takes for a failed write:
// it closes the connection, under the response that is being read, and a receive
// loses what it leased. See https://github.com/aws/aws-sdk-go-v2/issues/1825.
//
// A body in memory also goes out in one write with the headers, which is worth a
// twentieth of the CPU of a message.
type wholeBodies struct{ awssqs.HTTPClient }

func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength <= 0 {
		return c.HTTPClient.Do(r)
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return c.HTTPClient.Do(r)
}
