package sqs

import (
	"io"
	"net/http"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// wholeBodies is an HTTP client that keeps a connection whose server is quick.
//
// The SDK closes a request's body once it has the response, while net/http may
// still look whether the body has more than its length, and what a closed body of
// the SDK answers to that (io.EOF from WriteTo) net/http takes for a failed write:
// it closes the connection, under the response that is being read. See
// https://github.com/aws/aws-sdk-go-v2/issues/1825.
type wholeBodies struct{ awssqs.HTTPClient }

func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength > 0 {
		r.Body = &wholeBody{r.Body, r.ContentLength}
	}
	return c.HTTPClient.Do(r)
}

// wholeBody ends by itself, without a look at the body, once it has been read.
type wholeBody struct {
	io.ReadCloser
	left int64
}

func (b *wholeBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
