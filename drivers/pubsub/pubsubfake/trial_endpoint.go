package pubsubfake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// receiver is an endpoint of a trial. It keeps what is pushed to it.
type receiver struct {
	url    string
	came   chan arrival
	answer func(n int) int // the status for the request of that number, from 1

	mu sync.Mutex
	n  int // guarded by mu; requests until now
}

// pushPath is that of its URL.
const pushPath = "/push"

// noAnswer, in place of a status, lets a request wait until its client is gone.
const noAnswer = 0

// arrival is one request.
type arrival struct {
	at     time.Time
	method string
	path   string
	header http.Header
	body   []byte
}

// maxArrivals is more requests than a probe lets come.
const maxArrivals = 1000

// endpoint makes a receiver that gives each request the status of answer.
func (t *trial) endpoint(answer func(n int) int) *receiver {
	ctx, stop := context.WithCancel(context.Background())
	e := &receiver{came: make(chan arrival, maxArrivals), answer: answer}
	t.stops = append(t.stops, stop)
	if t.err != nil {
		return e
	}
	receive := t.clients.Receive
	if receive == nil {
		receive = func(h http.Handler) (string, func(), error) { return listen(t.ctx, h) }
	}
	url, end, err := receive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serve(ctx, w, r) }))
	t.must(err)
	if err == nil {
		e.url = url + pushPath
		t.stops = append(t.stops, end)
	}
	return e
}

// always answers every request alike.
func always(status int) func(int) int { return func(int) int { return status } }

// first answers the first request with a status, and acknowledges those after it.
func first(status int) func(int) int {
	return func(n int) int {
		if n == 1 {
			return status
		}
		return http.StatusNoContent
	}
}

func (e *receiver) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	a := arrival{at: time.Now(), method: r.Method, path: r.URL.Path, header: r.Header.Clone()}
	a.body, _ = io.ReadAll(r.Body) // what is missing is seen in what is there
	e.mu.Lock()
	e.n++
	status := e.answer(e.n)
	e.mu.Unlock()
	select {
	case e.came <- a:
	default: // nobody looks any more
	}
	if status == noAnswer {
		select {
		case <-r.Context().Done():
		case <-ctx.Done():
		}
		return
	}
	if status >= 300 && status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

// listen serves h on the loopback.
func listen(ctx context.Context, h http.Handler) (url string, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for pushes: %w", err)
	}
	var serving sync.WaitGroup
	server := &http.Server{ReadHeaderTimeout: callWithin, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		h.ServeHTTP(w, r)
	})}
	var accepting sync.WaitGroup
	accepting.Go(func() { _ = server.Serve(l) }) // it ends by stop
	return "http://" + l.Addr().String(), func() {
		_ = server.Close() // the requests have been seen
		accepting.Wait()
		serving.Wait()
	}, nil
}

// pushed waits for the next request.
func (t *trial) pushed(e *receiver, within time.Duration) arrival {
	if t.err != nil {
		return arrival{}
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case a := <-e.came:
		return a
	case <-timer.C:
		t.err = fmt.Errorf("nothing was pushed within %v", within)
	case <-t.ctx.Done():
		t.err = t.ctx.Err()
	}
	return arrival{}
}

// silent wants no request for a while.
func (t *trial) silent(e *receiver, while time.Duration) {
	if t.err != nil {
		return
	}
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case a := <-e.came:
		t.err = fmt.Errorf("%q was pushed, want nothing", a.body)
	case <-timer.C:
	case <-t.ctx.Done():
		t.err = t.ctx.Err()
	}
}

// unwrap gives the envelope of a wrapped push.
func (t *trial) unwrap(a arrival) envelope {
	var out envelope
	if t.err == nil {
		if err := json.Unmarshal(a.body, &out); err != nil {
			t.err = fmt.Errorf("the body %q is no envelope: %w", a.body, err)
		}
	}
	return out
}

// envelope waits for the next push, which is wrapped.
func (t *trial) envelope(e *receiver, within time.Duration) envelope {
	return t.unwrap(t.pushed(e, within))
}

// withPush has a subscription pushed to e.
func withPush(e *receiver, changes ...func(*pubsubpb.PushConfig)) setting {
	return withPushTo(e.url, changes...)
}

func withPushTo(url string, changes ...func(*pubsubpb.PushConfig)) setting {
	return func(c *subscriptionProto) {
		c.PushConfig = &pubsubpb.PushConfig{PushEndpoint: url}
		for _, change := range changes {
			change(c.PushConfig)
		}
	}
}

func unwrapped(metadata bool) func(*pubsubpb.PushConfig) {
	return func(c *pubsubpb.PushConfig) {
		c.Wrapper = &pubsubpb.PushConfig_NoWrapper_{NoWrapper: &pubsubpb.PushConfig_NoWrapper{WriteMetadata: metadata}}
	}
}

func withToken(email, audience string) func(*pubsubpb.PushConfig) {
	return func(c *pubsubpb.PushConfig) {
		c.AuthenticationMethod = &pubsubpb.PushConfig_OidcToken_{OidcToken: &pubsubpb.PushConfig_OidcToken{ServiceAccountEmail: email, Audience: audience}}
	}
}

func withVersion(version string) func(*pubsubpb.PushConfig) {
	return func(c *pubsubpb.PushConfig) { c.Attributes = map[string]string{versionAttribute: version} }
}

// modifyPush changes where a subscription is pushed to; nil has it pulled.
func (t *trial) modifyPush(subscription string, e *receiver) error {
	c := &pubsubpb.PushConfig{}
	if e != nil {
		c.PushEndpoint = e.url
	}
	return t.call(func(ctx context.Context) error {
		return t.clients.Subscriptions.ModifyPushConfig(ctx, &pubsubpb.ModifyPushConfigRequest{Subscription: subscription, PushConfig: c}, once)
	})
}
