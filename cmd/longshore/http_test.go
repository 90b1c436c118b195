package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// decide is what the runtime makes of one attempt at a task with this payload.
func decide(ctx context.Context, t *testing.T, handle runtime.HandlerFunc, payload string, opts ...runtime.HandleOption) runtime.Decision {
	t.Helper()
	q, err := mem.New("one", nil)
	if err != nil {
		t.Fatal(err)
	}
	var queues runtime.Queues
	if err := queues.Add(runtime.QueueInfo{Name: "one", Driver: q}); err != nil {
		t.Fatal(err)
	}
	defer queues.Close(t.Context())
	client, err := runtime.NewClient(&queues, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := runtime.Raw{Kind: "line", Data: []byte(payload), ContentType: "application/octet-stream"}
	if _, err := runtime.EnqueueRaw(t.Context(), client, raw, runtime.ID("run-7")); err != nil {
		t.Fatal(err)
	}
	leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil || len(leases) != 1 {
		t.Fatalf("received %d, %v", len(leases), err)
	}
	mux := runtime.NewMux(nil)
	mux.HandleRaw("line", handle, append(opts, runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour), NoJitter: true}))...)
	return mux.Dispatch(ctx, runtime.Delivery{Lease: leases[0], Queue: queues.All()[0]})
}

// verdictOf is a decision in a word: ack, bury, retry or the delay asked for.
func verdictOf(d runtime.Decision) string {
	switch s := d.Settlement; {
	case s.Verdict == driver.Release && s.Delay == time.Hour:
		return "retry"
	case s.Verdict == driver.Release:
		return s.Delay.String()
	default:
		return s.Verdict.String()
	}
}

func TestPost(t *testing.T) {
	tests := []struct {
		name          string
		status        int
		header, value string
		body          string
		want, err     string
	}{
		{"200", 200, "", "", "fine", "ack", ""},
		{"204", 204, "", "", "", "ack", ""},
		{"301", 301, "Location", "/elsewhere", "", "bury", `status 301 Moved Permanently to "/elsewhere"; redirects are not followed, give the final URL`},
		{"400", 400, "", "", " bad line\n", "bury", "status 400 Bad Request: bad line"},
		{"404", 404, "", "", "", "bury", "status 404 Not Found"},
		{"408", 408, "", "", "", "retry", "status 408 Request Timeout"},
		{"425 with seconds", 425, "Retry-After", "7", "", "7s", "status 425 Too Early"},
		{"426", 426, "", "", "", "bury", "status 426 Upgrade Required"},
		{"429", 429, "", "", "", "retry", "status 429 Too Many Requests"},
		{"429 with seconds", 429, "Retry-After", "7", "", "7s", "status 429 Too Many Requests"},
		{"429 with nonsense", 429, "Retry-After", "soon", "", "retry", "status 429 Too Many Requests"},
		{"503", 503, "", "", "", "retry", "status 503 Service Unavailable"},
		{"503 with a date that is past", 503, "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT", "", "0s", "status 503 Service Unavailable"},
		{"500", 500, "Retry-After", "7", "oops", "retry", "status 500 Internal Server Error: oops"},
		{"a huge body", 500, "", "", strings.Repeat("x", 1<<20), "retry", "status 500 Internal Server Error: " + strings.Repeat("x", maxErrorText)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				body, _ := io.ReadAll(r.Body)
				h := r.Header
				if r.Method != http.MethodPost || string(body) != "pay\xff load" || h.Get("Longshore-Id") != "run-7" || h.Get("Longshore-Kind") != "line" ||
					h.Get("Longshore-Attempt") != "1" || h.Get("Longshore-Max-Attempts") != "5" || h.Get("Content-Type") != "application/octet-stream" {
					t.Errorf("%s of %q with %v", r.Method, body, h)
				}
				if tt.header != "" {
					w.Header().Set(tt.header, tt.value)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			p, err := newPoster(server.URL, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer p.client.CloseIdleConnections()

			d := decide(t.Context(), t, p.handle, "pay\xff load")

			if got := verdictOf(d); got != tt.want {
				t.Errorf("verdict %s, want %s", got, tt.want)
			}
			if got := text(d.Err); got != tt.err {
				t.Errorf("error %.200q, want %.200q", got, tt.err)
			}
			if requests != 1 {
				t.Errorf("%d requests, want 1", requests)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Go's own server gives every status a name.
func TestJudgeAStatusWithoutName(t *testing.T) {
	err := judge(&http.Response{StatusCode: 599, Status: "599 "}, "", time.Now())
	if text(err) != "status 599" {
		t.Errorf("got %q, want %q", text(err), "status 599")
	}
}

func TestPostWithoutAServerIsTriedAgain(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	p, err := newPoster(server.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := decide(t.Context(), t, p.handle, "x"); verdictOf(d) != "retry" || !strings.Contains(text(d.Err), "refused") {
		t.Errorf("verdict %s, %v; want a retry", verdictOf(d), d.Err)
	}
}

// stuckServer answers no request before its end; its channel has each request.
func stuckServer(t *testing.T) (*poster, <-chan struct{}) {
	t.Helper()
	arrived, end := make(chan struct{}, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-end
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(end) })
	p, err := newPoster(server.URL, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.client.CloseIdleConnections)
	return p, arrived
}

func TestPostThatTakesTooLong(t *testing.T) {
	p, _ := stuckServer(t)

	d := decide(t.Context(), t, p.handle, "x", runtime.Timeout(10*time.Millisecond))

	if want := "the handler's time limit has passed after 10ms: no answer to POST " + p.url; verdictOf(d) != "retry" || text(d.Err) != want {
		t.Errorf("verdict %s, %v; want a retry and %q", verdictOf(d), d.Err, want)
	}
}

func TestPostThatIsCutShort(t *testing.T) {
	for cause, want := range map[error]string{runtime.ErrDraining: "0s", runtime.ErrLeaseLost: "invalid"} {
		p, arrived := stuckServer(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-arrived
			cancel(cause)
		}()

		d := decide(ctx, t, p.handle, "x")

		if got := verdictOf(d); got != want || !errors.Is(d.Err, cause) {
			t.Errorf("%v: verdict %s, %v; want %s", cause, got, d.Err, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"", 0, false},
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{"-1", 0, false},
		{"1.5", 0, false},
		{"86400", 24 * time.Hour, true},
		{"86401", maxRetryAfter, true},
		{"99999999999999999999999999", maxRetryAfter, true},
		{"Tue, 03 Feb 2026 04:06:06 GMT", time.Minute, true},
		{"Tue, 03 Feb 2026 04:05:00 GMT", 0, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", maxRetryAfter, true},
		{"tomorrow", 0, false},
	}
	for _, tt := range tests {
		if got, ok := retryAfter(tt.value, now); got != tt.want || ok != tt.ok {
			t.Errorf("retryAfter(%q) = %v, %v; want %v, %v", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}
