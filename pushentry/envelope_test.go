package pushentry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

func TestBadPushesAreRefusedAndSaidWhy(t *testing.T) {
	task := base64.StdEncoding.EncodeToString(event("1", "a"))
	tail := `,"subscription":"` + ownSubscription + `"}`
	tests := []struct {
		name, body string
		want       int
		says       string
	}{
		{"unknown fields", `{"message":{"messageId":"1","data":"` + task + `","new":{"deep":[1,2]}},"other":null` + tail, 204, ""},
		{"the other names", `{"message":{"message_id":"1","data":"` + task + `","publish_time":"2026-01-01T00:00:00Z"}` + tail, 204, ""},
		{"a time that is none", `{"message":{"messageId":"1","data":"` + task + `","publishTime":"now"}` + tail, 204, ""},
		{"null attributes", `{"message":{"messageId":"1","data":"` + task + `","attributes":null}` + tail, 204, ""},
		{"data with escapes", `{"message":{"messageId":"1","data":"\u` + fmt.Sprintf("%04x", task[0]) + task[1:] + `"}` + tail, 204, ""},
		{"no data", `{"message":{"messageId":"1"}` + tail, 204, ""}, // buried as undecodable
		{"null data", `{"message":{"messageId":"1","data":null}` + tail, 204, ""},

		{"nothing", ``, 400, "no JSON at byte 0"},
		{"no JSON", `hello`, 400, "no JSON at byte 1"},
		{"cut off", `{"message":{"messageId":"1"`, 400, "no JSON at byte 27"},
		{"something behind", `{"message":{"messageId":"1"}` + tail + `{}`, 400, "no JSON"},
		{"a list", `[]`, 400, "no JSON object"},
		{"null", `null`, 400, "no message"},
		{"no message", `{"subscription":"` + ownSubscription + `"}`, 400, "no message; is payload unwrapping on?"},
		{"a null message", `{"message":null` + tail, 400, "no message"},
		{"a message of text", `{"message":"x"` + tail, 400, "message has the wrong type"},
		{"no id", `{"message":{"data":"` + task + `"}` + tail, 400, "no messageId"},
		{"a long id", `{"message":{"messageId":"` + strings.Repeat("1", 257) + `"}` + tail, 400, "257 bytes"},
		{"an id that is a number", `{"message":{"messageId":1}` + tail, 400, "message.messageId has the wrong type"},
		{"bad base64", `{"message":{"messageId":"1","data":"abc!"}` + tail, 400, "no base64 at its byte 3"},
		{"base64 without its end", `{"message":{"messageId":"1","data":"abc"}` + tail, 400, "no base64"},
		{"base64 of URLs", `{"message":{"messageId":"1","data":"_-8="}` + tail, 400, "no base64"},
		{"data that is a list", `{"message":{"messageId":"1","data":[104,105]}` + tail, 400, "message.data is no text"},
		{"attributes that are a list", `{"message":{"messageId":"1","attributes":[]}` + tail, 400, "message.attributes has the wrong type"},
		{"an attribute that is a number", `{"message":{"messageId":"1","attributes":{"a":1}}` + tail, 400, "message.attributes"},
		{"no subscription", `{"message":{"messageId":"1","data":"` + task + `"}}`, 400, "no subscription"},
		{"another subscription", `{"message":{"messageId":"1"},"subscription":"projects/test/subscriptions/mails"}`, 400, `"projects/test/subscriptions/mails", and queue "orders" is "projects/test/subscriptions/orders"`},
		{"the subscription of another project", `{"message":{"messageId":"1"},"subscription":"projects/other/subscriptions/orders"}`, 400, "projects/other"},
		{"a subscription with a giant name", `{"message":{"messageId":"1"},"subscription":"` + strings.Repeat(`\u0001`, 513) + `"}`, 400, "513 bytes"},
		{"a topic", `{"message":{"messageId":"1"},"subscription":"projects/123/topics/orders"}`, 400, "topics"},
		{"an attempt below 0", `{"message":{"messageId":"1"},"deliveryAttempt":-1` + tail, 400, "below 0"},
		{"an attempt of text", `{"message":{"messageId":"1"},"deliveryAttempt":"1"` + tail, 400, "deliveryAttempt has the wrong type"},
		{"a huge attempt", `{"message":{"messageId":"1"},"deliveryAttempt":1e30` + tail, 400, "deliveryAttempt has the wrong type"},
		{"too deep", strings.Repeat(`{"a":`, 20_000), 400, "no JSON"},
		{"too large", `{"message":{"messageId":"1","data":"` + strings.Repeat("A", 1<<20) + `"}` + tail, 413, "1048576 bytes"},
	}
	on(t, setup{options: pushentry.Options{MaxBody: 1 << 20}}, func(e *env) {
		refused := make(map[int]int64)
		for _, tt := range tests {
			w := e.post(tt.body)
			e.status(tt.name, w, tt.want, tt.says)
			if tt.want != 204 {
				refused[tt.want]++
			}
			w = e.post(tt.body, func(r *http.Request) { r.ContentLength = -1 })
			e.status(tt.name+", in chunks", w, tt.want, tt.says)
		}
		s := e.handler.Stats()
		if s.Refused[400] != 2*refused[400] || s.Refused[413] != 2*refused[413] || s.Running != 0 {
			e.Errorf("%+v; want %v twice", s, refused)
		}
	})
}

func TestUnwrappedPushes(t *testing.T) {
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Goog-Pubsub-Subscription-Name", ownSubscription)
			r.Header.Set("X-Goog-Pubsub-Message-Id", "7")
			r.Header.Set("X-Goog-Pubsub-Publish-Time", "2026-03-01T10:00:00Z")
			r.Header.Set("Authorization", "Bearer SECRET")
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i+1] == "" {
					r.Header.Del(pairs[i])
					continue
				}
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	carry, err := driver.EncodeCarry(driver.Carry{Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	var seen []*runtime.Task[job]
	on(t, setup{
		handle: func(_ context.Context, task *runtime.Task[job]) error {
			seen = append(seen, task)
			return runtime.Permanent(errBoom)
		},
		options: pushentry.Options{Unwrapped: []string{"orders"}, UnwrappedAttributes: []string{"Tenant"}},
	}, func(e *env) {
		e.status("a task", e.post(string(event("task", "a")), header("Longshore", carry, "tenant", "t1", "Other", "x")), 204)
		if len(seen) != 1 || seen[0].Attempt != 3 || seen[0].Attributes["Tenant"] != "t1" || len(seen[0].Attributes) != 1 {
			e.Fatalf("%+v", seen[0].Info)
		}
		m := e.oneDead(driver.ReasonPermanent)
		for name, value := range m.Attributes {
			if strings.Contains(value, "SECRET") {
				e.Errorf("attribute %s is buried", name)
			}
		}
		e.status("an event in headers", e.post(`{"name":"b"}`, header("ce-id", "b", "ce-specversion", "1.0", "ce-source", "test", "ce-type", "job", "Content-Type", "application/json", "X-Goog-Pubsub-Delivery-Attempt", "4")), 204)
		if len(seen) != 2 || seen[1].Args.Name != "b" || seen[1].Attempt != 4 {
			e.Fatalf("%+v", seen)
		}
		e.status("no metadata", e.post("{}", header("X-Goog-Pubsub-Message-Id", "")), 400, "write metadata")
		e.status("no subscription", e.post("{}", header("X-Goog-Pubsub-Subscription-Name", "")), 400, "write metadata")
		e.status("another subscription", e.post("{}", header("X-Goog-Pubsub-Subscription-Name", "projects/test/subscriptions/mails")), 400, "mails")
		e.status("a long id", e.post("{}", header("X-Goog-Pubsub-Message-Id", strings.Repeat("1", 300))), 400, "300 bytes")
		e.status("an attempt that is none", e.post("{}", header("X-Goog-Pubsub-Delivery-Attempt", "x")), 400, "no number")
		e.status("a wrapped one", e.push("1", 1), 400, "write metadata")
		e.status("no body", e.post("", header()), 204) // buried
	})
}

// fuzzHandler is a handler for a queue that does nothing but bury.
func fuzzHandler(f *testing.F, o *pushentry.Options) *pushentry.Handler {
	f.Helper()
	q, err := mem.New("fuzz", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = q.Close(context.Background()) })
	var queues runtime.Queues
	if err := queues.Add(runtime.QueueInfo{Name: "orders", Driver: pushed{q}}); err != nil {
		f.Fatal(err)
	}
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)})
	runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil })
	o.Logger = slog.New(slog.DiscardHandler)
	h, err := pushentry.New(mux, &queues, o)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = h.Drain(context.Background()) })
	return h
}

// pushed is a queue that adopts, and whose settles do nothing.
type pushed struct{ driver.Queue }

func (p pushed) As(target any) bool {
	switch t := target.(type) {
	case *driver.Adopter:
		*t = p
	case *driver.Name:
		*t = ownSubscription
	default:
		return false
	}
	return true
}

func (p pushed) Adopt(_ string, m driver.Message, attempt int, received time.Time) driver.Lease {
	return pushedLease{m, attempt, received}
}

func (p pushed) Settle(_ context.Context, batch []driver.Settlement) []error {
	return make([]error, len(batch))
}

type pushedLease struct {
	message  driver.Message
	attempt  int
	received time.Time
}

func (l pushedLease) Message() driver.Message { return l.message }
func (l pushedLease) Attempt() int            { return l.attempt }
func (l pushedLease) Received() time.Time     { return l.received }
func (l pushedLease) Expires() time.Time      { return l.received.Add(time.Minute) }
func (l pushedLease) As(any) bool             { return false }

// Whatever comes is answered, in few ways, and what is taken is what was sent.
func FuzzEnvelope(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", wrapped("1", event("1", "a"), 1), wrapped("1", nil, 0),
		`{"message":{"messageId":"1","data":"!"},"subscription":"` + ownSubscription + `"}`,
		`{"message":{"message_id":"1","data":"aGk=","attributes":{"longshore":"{}"}},"subscription":"` + ownSubscription + `","deliveryAttempt":3}`,
	} {
		f.Add([]byte(body))
	}
	h := fuzzHandler(f, &pushentry.Options{Unauthenticated: true})
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body)))
		if !bytes.Equal(body, before) {
			t.Error("the body was changed")
		}
		switch w.Code {
		case 204, 503:
			var got struct {
				Message struct {
					Data *[]byte `json:"data"`
				} `json:"message"`
			}
			if err := json.Unmarshal(body, &got); err != nil {
				t.Errorf("%q is taken: %v", body, err)
			}
		case 400:
		default:
			t.Errorf("%q: status %d", body, w.Code)
		}
	})
}
