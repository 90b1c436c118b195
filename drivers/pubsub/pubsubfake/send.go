package pubsubfake

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
)

// pushOp is the operation that a Fault strikes and Requests counts for a push.
const pushOp = "Push"

// acknowledges says whether an answer of that status is an acknowledgement (Google
// Pub/Sub documentation, "Push subscriptions", receive messages). 102 is the fifth,
// which is not a final answer in HTTP.
func acknowledges(status int) bool {
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	default:
		return false
	}
}

// send makes the request, with its faults, and says whether the message was
// acknowledged within its ack deadline.
func (s *Server) send(ctx context.Context, r *pushRequest) bool {
	ctx, cancel := context.WithTimeout(ctx, r.hold)
	defer cancel()
	s.requests.begin(pushOp)
	defer s.requests.end(pushOp)
	f := s.match(pushOp, r.id)
	if f != nil && !f.AfterEffect && s.strike(ctx, f) != nil {
		return false
	}
	ok := s.post(ctx, r)
	if f != nil && f.AfterEffect && s.strike(ctx, f) != nil {
		return false
	}
	return ok
}

// maxDrained is how much of an answer is read, so that its connection is used again,
// in bytes.
const maxDrained = 256 << 10

// post makes the HTTP request. What it fails of does not matter: the message comes
// again, and as in the service nobody is told.
func (s *Server) post(ctx context.Context, r *pushRequest) bool {
	var processing atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			if code == http.StatusProcessing {
				processing.Store(true)
			}
			return nil
		},
	})
	body, header := r.content()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.config.GetPushEndpoint(), bytes.NewReader(body))
	if err != nil {
		return false
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", "CloudPubSub-Google")
	if t := r.config.GetOidcToken(); t != nil {
		audience := or(t.GetAudience(), r.config.GetPushEndpoint())
		req.Header.Set("Authorization", "Bearer "+s.signer.token(t.GetServiceAccountEmail(), audience))
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return processing.Load()
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxDrained) // its content says nothing
	_ = answer.Body.Close()                              // it was read
	return acknowledges(answer.StatusCode) || processing.Load()
}

// clientOf makes the client of pushes from that of Options. No redirect is followed:
// it is an answer like others.
func clientOf(given *http.Client) (client *http.Client, own bool) {
	if own = given == nil; own {
		given = &http.Client{}
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			t = t.Clone()
			t.MaxIdleConnsPerHost = maxIdle
			given.Transport = t
		}
	}
	c := *given
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c, own
}

// maxIdle is how many connections to an endpoint are kept for the next requests.
const maxIdle = 64
