package pushentry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	ownSubscription = "projects/test/subscriptions/orders"
	ackDeadline     = 10 * time.Second
	// handlerTime is what ackDeadline leaves for a handler.
	handlerTime = 8 * time.Second
)

type job struct {
	Name string `json:"name"`
}

func (job) Kind() string { return "job" }

// env is a handler for one queue on a server of its own, in virtual time.
type env struct {
	*testing.T
	server  *pubsubfake.Server
	clients pubsub.Clients
	queues  *runtime.Queues
	queue   driver.Queue
	mux     *runtime.Mux
	handler *pushentry.Handler
	log     *safeBuffer
}

// setup is what a test may change of it.
type setup struct {
	subscription func(*pubsubpb.Subscription)
	queue        func(driver.Queue) driver.Queue
	info         runtime.QueueInfo
	mux          runtime.MuxOptions
	options      pushentry.Options
	ordered      bool
	handle       func(ctx context.Context, t *runtime.Task[job]) error
	how          []runtime.HandleOption
}

// on runs a test in a bubble, with a handler that lets everybody push unless the
// options say otherwise.
func on(t *testing.T, s setup, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, s)
		test(e)
		e.end()
	})
}

func newEnv(t *testing.T, s setup) *env {
	t.Helper()
	e := &env{T: t, server: pubsubfake.New(nil), log: new(safeBuffer)}
	var err error
	e.clients.Topics, err = apiv1.NewTopicAdminClient(t.Context(), e.server.ClientOptions()...)
	e.must(err)
	e.clients.Subscriptions, err = apiv1.NewSubscriptionAdminClient(t.Context(), e.server.ClientOptions()...)
	e.must(err)
	e.create("orders-dead", &pubsubpb.Subscription{AckDeadlineSeconds: 10, MessageRetentionDuration: durationpb.New(14 * 24 * time.Hour)})
	live := &pubsubpb.Subscription{
		AckDeadlineSeconds: int32(ackDeadline / time.Second), EnableMessageOrdering: s.ordered,
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: "projects/test/topics/orders-dead", MaxDeliveryAttempts: 100},
		RetryPolicy:      &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second), MaximumBackoff: durationpb.New(10 * time.Minute)},
	}
	if s.subscription != nil {
		s.subscription(live)
	}
	e.create("orders", live)
	q, err := pubsub.New(e.clients, "test", "orders", &pubsub.Options{Ordered: s.ordered})
	e.must(err)
	e.queue = q
	if s.queue != nil {
		e.queue = s.queue(q)
	}
	e.queues = new(runtime.Queues)
	s.info.Name, s.info.Driver = "orders", e.queue
	e.must(e.queues.Add(s.info))
	logger := slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.mux.Logger = logger
	e.mux = runtime.NewMux(&s.mux)
	if s.handle == nil {
		s.handle = func(context.Context, *runtime.Task[job]) error { return nil }
	}
	runtime.Handle(e.mux, s.handle, s.how...)
	if s.options.Audience == "" {
		s.options.Unauthenticated = true
	}
	s.options.Logger = logger
	e.handler, err = pushentry.New(e.mux, e.queues, &s.options)
	e.must(err)
	return e
}

// end drains the handler and closes all there is.
func (e *env) end() {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.handler.Drain(ctx); err != nil {
		e.Error(err)
	}
	if err := e.queues.Close(ctx); err != nil {
		e.Error(err)
	}
	_ = e.server.Close()
}

// create creates a topic, and a subscription with its id.
func (e *env) create(id string, s *pubsubpb.Subscription) {
	e.Helper()
	s.Topic, s.Name, s.ExpirationPolicy = "projects/test/topics/"+id, "projects/test/subscriptions/"+id, &pubsubpb.ExpirationPolicy{}
	_, err := e.clients.Topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: s.Topic})
	e.must(err)
	_, err = e.clients.Subscriptions.CreateSubscription(e.Context(), s)
	e.must(err)
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// event is a task as it travels.
func event(id, name string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"test","type":"job","datacontenttype":"application/json","data":{"name":%q}}`, id, name)
}

// wrapped is the body of a push.
func wrapped(id string, body []byte, attempt int) string {
	text, err := json.Marshal(map[string]any{
		"message": map[string]any{
			"data": base64.StdEncoding.EncodeToString(body), "attributes": map[string]string{"a": "b"},
			"messageId": id, "message_id": id, "publishTime": "2026-03-01T10:00:00.5Z", "publish_time": "2026-03-01T10:00:00.5Z",
		},
		"subscription": ownSubscription, "deliveryAttempt": attempt,
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// post pushes a body.
func (e *env) post(body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(body))
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	return w
}

// push pushes a task for the attempt.
func (e *env) push(id string, attempt int) *httptest.ResponseRecorder {
	return e.post(wrapped(id, event("task-"+id, id), attempt))
}

// status asserts an answer's status, and that it says something.
func (e *env) status(what string, w *httptest.ResponseRecorder, want int, says ...string) {
	e.Helper()
	if w.Code != want {
		e.Errorf("%s: %d %s; want %d", what, w.Code, strings.TrimSpace(w.Body.String()), want)
		return
	}
	for _, s := range says {
		if !strings.Contains(w.Body.String(), s) {
			e.Errorf("%s: the answer is %q; want it to say %q", what, w.Body.String(), s)
		}
	}
}

// dead are the dead letters, which stay where they are for a while.
func (e *env) dead() []driver.Message {
	e.Helper()
	var all []driver.Message
	for {
		got, err := e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 100})
		e.must(err)
		if len(got) == 0 {
			return all
		}
		for _, l := range got {
			all = append(all, l.Message())
		}
	}
}

// oneDead asserts that there is one dead letter, with a reason.
func (e *env) oneDead(reason string) driver.Message {
	e.Helper()
	all := e.dead()
	if len(all) != 1 || all[0].Death == nil || all[0].Death.Reason != reason {
		e.Fatalf("dead letters %+v; want one with reason %q", all, reason)
	}
	return all[0]
}

// safeBuffer is safe for concurrent use.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// pipeListener is a listener in memory.
type pipeListener struct {
	conns  chan net.Conn // never closed
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (l *pipeListener) dial() (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// client is a client of the listener.
func (l *pipeListener) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:     func(context.Context, string, string) (net.Conn, error) { return l.dial() },
		IdleConnTimeout: time.Minute,
	}}
}

// text is the whole of a response.
func text(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pubsubQueue makes another queue on the server, without a dead letter.
func (e *env) pubsubQueue(name string) (driver.Queue, error) {
	e.create(name, &pubsubpb.Subscription{AckDeadlineSeconds: 10})
	return pubsub.New(e.clients, "test", name, nil)
}

// declaring makes of a queue one that declares what a URL can, so that it need not be
// read.
func declaring(t *testing.T) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue {
		var c pubsub.Clients
		if !q.As(&c.Topics) || !q.As(&c.Subscriptions) {
			t.Error("the queue has no clients")
		}
		declared, err := pubsub.New(c, "test", "orders", &pubsub.Options{Hold: ackDeadline, MaxDeliveries: 100, DeadSubscription: "orders-dead"})
		if err != nil {
			t.Error(err)
		}
		return declared
	}
}

// quote is text as JSON.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// logTo logs to a buffer.
func logTo(b *safeBuffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
