package sqsfake

import (
	"bytes"
	"io"
	"net/http"
)

// memoryTransport is an http.Transport that has the whole of a request's body before
// it sends it, as the buffers of TCP have. Without that the last write of a body to a
// net.Pipe returns when the server has read it, which may have answered by then; a
// client that closes the body once it has the answer, as the AWS SDK does, so makes
// the transport fail at the end of the body, and close the connection while the rest
// of a large answer is still on its way.
type memoryTransport struct{ *http.Transport }

// RoundTrip sends a copy of r whose body is in memory.
func (t memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.Transport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // all of it has been read, or the request fails
	if err != nil {
		return nil, err
	}
	whole := r.WithContext(r.Context())
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return t.Transport.RoundTrip(whole)
}

var _ http.RoundTripper = memoryTransport{}
