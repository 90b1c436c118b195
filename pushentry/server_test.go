package pushentry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

// served is a server at work.
type served struct {
	*env
	listener *pipeListener
	client   *http.Client
	stop     context.CancelFunc
	ended    chan error
}

// serving runs a test with a server, which it ends.
func serving(t *testing.T, s setup, test func(v *served)) {
	t.Helper()
	on(t, s, func(e *env) {
		v := &served{env: e, listener: newPipeListener(), ended: make(chan error, 1)}
		v.client = v.listener.client()
		o := s.options
		if o.Audience == "" {
			o.Unauthenticated = true
		}
		o.Listener, o.Logger = v.listener, logTo(e.log)
		ctx, stop := context.WithCancel(context.Background())
		v.stop = stop
		go func() { v.ended <- pushentry.Run(ctx, e.mux, e.queues, &o) }()
		synctest.Wait()
		test(v)
		stop()
		synctest.Wait()
		v.client.CloseIdleConnections()
		time.Sleep(time.Hour) // whatever is left ends
	})
}

// get answers the status of a probe, or 0 where nobody listens.
func (v *served) get(path string) int {
	v.Helper()
	response, err := v.client.Get("http://push" + path) //nolint:noctx // a bubble ends it
	if err != nil {
		return 0
	}
	text(v.T, response)
	return response.StatusCode
}

// send pushes a task.
func (v *served) send(id string) int {
	v.Helper()
	response, err := v.client.Post("http://push/", "application/json", strings.NewReader(wrapped(id, event(id, id), 1))) //nolint:noctx // a bubble ends it
	if err != nil {
		return 0
	}
	text(v.T, response)
	return response.StatusCode
}

func (v *served) wantEnd(want error) {
	v.Helper()
	if err := <-v.ended; !errors.Is(err, want) {
		v.Errorf("Run: %v; want %v", err, want)
	}
}

func TestRunServesAndDrains(t *testing.T) {
	serving(t, setup{handle: func(ctx context.Context, task *runtime.Task[job]) error {
		select {
		case <-time.After(map[string]time.Duration{"short": 5 * time.Second, "long": time.Minute}[task.Args.Name]):
			return nil
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), runtime.ErrDraining) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			return ctx.Err()
		}
	}, subscription: func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 600 }}, func(v *served) {
		if got := []int{v.get("/healthz"), v.get("/readyz"), v.send("1"), v.get("/nowhere")}; fmt.Sprint(got) != "[200 200 204 404]" {
			v.Errorf("answers %v", got)
		}
		short, long := make(chan int, 1), make(chan int, 1)
		go func() { short <- v.send("short") }()
		go func() { long <- v.send("long") }()
		idle, err := v.listener.dial() // a probe's connection that stays
		v.must(err)
		ready := func() string {
			_, err := io.WriteString(idle, "GET /readyz HTTP/1.1\r\nHost: push\r\n\r\n")
			if err != nil {
				return "closed"
			}
			line, _ := bufio.NewReader(idle).ReadString('\n')
			return strings.TrimSpace(line)
		}
		if got := ready(); got != "HTTP/1.1 200 OK" {
			v.Errorf("ready: %q", got)
		}
		time.Sleep(time.Second)
		began := time.Now()
		v.stop()
		synctest.Wait()
		if got := v.send("2"); got != 0 {
			v.Errorf("a push during the drain: %d; want that nobody listens", got)
		}
		if got := <-short; got != 204 || time.Since(began) != 4*time.Second {
			v.Errorf("what ends in time: %d after %v", got, time.Since(began))
		}
		if got := <-long; got != 503 || time.Since(began) != 6*time.Second {
			v.Errorf("what does not: %d after %v; want 503 at 2 s before the end of 8 s", got, time.Since(began))
		}
		v.wantEnd(nil)
		if took := time.Since(began); took > 7*time.Second {
			v.Errorf("the drain took %v", took)
		}
		_ = idle.Close()
	})
}

func TestRunIsNotReadyBeforeTheCheckHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, setup{})
		disarm := e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.Unavailable})
		v := &served{env: e, listener: newPipeListener(), ended: make(chan error, 1)}
		v.client = v.listener.client()
		ctx, stop := context.WithCancel(context.Background())
		go func() {
			v.ended <- pushentry.Run(ctx, e.mux, e.queues, &pushentry.Options{Unauthenticated: true, Listener: v.listener, Logger: logTo(e.log)})
		}()
		time.Sleep(time.Minute)
		if got := []int{v.get("/healthz"), v.get("/readyz"), v.send("1")}; fmt.Sprint(got) != "[200 503 503]" {
			t.Errorf("answers %v before the check", got)
		}
		disarm()
		time.Sleep(time.Minute)
		if got := []int{v.get("/healthz"), v.get("/readyz"), v.send("1")}; fmt.Sprint(got) != "[200 200 204]" {
			t.Errorf("answers %v after it", got)
		}
		stop()
		v.wantEnd(nil)
		v.client.CloseIdleConnections()
		e.end()
	})
}

// Grants and subscriptions may be there a moment after the server.
func TestRunWaitsForGrants(t *testing.T) {
	tests := []struct {
		name  string
		setup setup
		code  codes.Code
		comes bool        // after 50 s it may be read
		want  driver.Code // of what Run answers when it does not
	}{
		{"a late grant", setup{}, codes.PermissionDenied, true, 0},
		{"a late subscription", setup{}, codes.NotFound, true, 0},
		{"a late grant of what is declared", setup{queue: declaring(t)}, codes.PermissionDenied, true, 0},
		{"no grant", setup{}, codes.PermissionDenied, false, driver.PermissionDenied},
		{"no subscription", setup{}, codes.NotFound, false, driver.NotFound},
		{"no grant of what is declared", setup{queue: declaring(t)}, codes.PermissionDenied, false, driver.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEnv(t, tt.setup)
				disarm := e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: tt.code})
				v := &served{env: e, listener: newPipeListener(), ended: make(chan error, 1)}
				v.client = v.listener.client()
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				go func() {
					v.ended <- pushentry.Run(ctx, e.mux, e.queues, &pushentry.Options{Unauthenticated: true, Listener: v.listener, Logger: logTo(e.log)})
				}()
				time.Sleep(50 * time.Second)
				if got := []int{v.get("/healthz"), v.get("/readyz"), v.send("1")}; fmt.Sprint(got) != "[200 503 503]" {
					t.Errorf("answers %v before the grant", got)
				}
				if tt.comes {
					disarm()
				}
				time.Sleep(20 * time.Second)
				if !tt.comes {
					select {
					case err := <-v.ended:
						if !driver.Is(err, tt.want) {
							t.Errorf("Run: %v; want %v", err, tt.want)
						}
					default:
						t.Error("it still waits after 70 s")
					}
				} else if got := []int{v.get("/readyz"), v.send("1")}; fmt.Sprint(got) != "[200 204]" {
					t.Errorf("answers %v after the grant", got)
				}
				stop()
				if tt.comes {
					v.wantEnd(nil)
				}
				v.client.CloseIdleConnections()
				e.end()
			})
		})
	}
}

func TestRunRefuses(t *testing.T) {
	serving(t, setup{subscription: func(s *pubsubpb.Subscription) { s.RetryPolicy = nil }}, func(v *served) {
		began := time.Now()
		err := <-v.ended
		if waited := time.Since(began); waited > 0 {
			v.Errorf("it waited for %v; want that a policy which is not there is not waited for", waited)
		}
		if f, ok := errors.AsType[runtime.Finding](err); !ok || f.Setting != runtime.SettingRetryDelay {
			v.Errorf("Run: %v", err)
		}
		if v.get("/healthz") != 0 {
			v.Error("it listens on")
		}
	})
	on(t, setup{}, func(e *env) {
		with := func(f func(*pushentry.Options)) *pushentry.Options {
			o := &pushentry.Options{Unauthenticated: true, Logger: logTo(e.log)}
			f(o)
			return o
		}
		probes := new(runtime.Queues)
		e.must(probes.Add(runtime.QueueInfo{Name: "readyz", Driver: e.queue}))
		tests := []struct {
			name   string
			port   string
			queues *runtime.Queues
			opts   *pushentry.Options
			says   string
		}{
			{"no tokens", "", e.queues, nil, "no audience"},
			{"a queue like a probe", "", probes, with(func(*pushentry.Options) {}), "Options.Path"},
			{"the path of a probe", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/healthz" }), "path"},
			{"a path with an end", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push/" }), "path"},
			{"a path with a pattern", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push/{queue}" }), "like /push"},
			{"a path with half a pattern", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push/{" }), "like /push"},
			{"a path with a space", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push here" }), "like /push"},
			{"a path with an escape", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push%20here" }), "like /push"},
			{"a path that is cleaned away", "", e.queues, with(func(o *pushentry.Options) { o.Path = "/push//here" }), "like /push"},
			{"a port that is none", "http", e.queues, with(func(*pushentry.Options) {}), `PORT "http"`},
			{"a port too high", "65536", e.queues, with(func(*pushentry.Options) {}), `PORT "65536"`},
			{"port 0", "0", e.queues, with(func(*pushentry.Options) {}), `PORT "0"`},
		}
		for _, path := range []string{"push", "/healthz"} {
			l := newPipeListener()
			err := pushentry.Run(e.Context(), e.mux, e.queues, with(func(o *pushentry.Options) { o.Path, o.Listener = path, l }))
			select {
			case <-l.closed:
			default:
				e.Errorf("path %q: %v, and the listener is open", path, err)
			}
		}
		for _, tt := range tests {
			e.Setenv("PORT", tt.port)
			err := pushentry.Run(e.Context(), e.mux, tt.queues, tt.opts)
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), tt.says) {
				e.Errorf("%s: %v; want %q", tt.name, err, tt.says)
			}
		}
	})
}

func TestRunEndsWithItsListener(t *testing.T) {
	serving(t, setup{}, func(v *served) {
		_ = v.listener.Close()
		v.wantEnd(net.ErrClosed)
	})
}

func TestRunTellsOfHandlersThatGoOn(t *testing.T) {
	serving(t, setup{
		handle:       func(context.Context, *runtime.Task[job]) error { time.Sleep(time.Minute); return nil },
		subscription: func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 600 },
	}, func(v *served) {
		answer := make(chan int, 1)
		go func() { answer <- v.send("1") }()
		time.Sleep(time.Second)
		began := time.Now()
		v.stop()
		err := <-v.ended
		if !driver.Is(err, driver.DeadlineExceeded) || time.Since(began) != 8*time.Second {
			v.Errorf("%v after %v; want DeadlineExceeded after 8s", err, time.Since(began))
		}
		if got := <-answer; got == 204 {
			v.Errorf("answer %d", got)
		}
	})
}

func TestRunOnAPath(t *testing.T) {
	serving(t, setup{options: pushentry.Options{Path: "/push"}}, func(v *served) {
		for path, want := range map[string]int{"/push": 204, "/push/orders": 204, "/push/mails": 404, "/": 404, "/orders": 404, "/pushorders": 404} {
			response, err := v.client.Post("http://push"+path, "application/json", strings.NewReader(wrapped("1", event("1", "1"), 1))) //nolint:noctx // a bubble ends it
			v.must(err)
			text(v.T, response)
			if response.StatusCode != want {
				v.Errorf("%s: %d; want %d", path, response.StatusCode, want)
			}
		}
	})
}

func TestRunTakesHTTP2WithoutTLS(t *testing.T) {
	serving(t, setup{}, func(v *served) {
		transport := &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return v.listener.dial() },
			Protocols:   new(http.Protocols),
		}
		transport.Protocols.SetUnencryptedHTTP2(true)
		v.client = &http.Client{Transport: transport}
		response, err := v.client.Post("http://push/", "application/json", strings.NewReader(wrapped("1", event("1", "1"), 1))) //nolint:noctx // a bubble ends it
		v.must(err)
		text(v.T, response)
		if response.StatusCode != http.StatusNoContent || response.ProtoMajor != 2 {
			v.Errorf("%s over %s", response.Status, response.Proto)
		}
	})
}

// A client that is slow with its header or its body is cut off, and its place is
// given to others.
func TestSlowClientsAreCutOff(t *testing.T) {
	serving(t, setup{options: pushentry.Options{Concurrency: 1, BodyTimeout: 5 * time.Second}}, func(v *served) {
		read := func(c net.Conn) string {
			b, _ := io.ReadAll(c) // up to the end of the connection, whatever ends it
			return string(b)
		}
		header, err := v.listener.dial()
		v.must(err)
		began := time.Now()
		_, err = io.WriteString(header, "POST / HTTP/1.1\r\nHost: push\r\n")
		v.must(err)
		if got := read(header); strings.Contains(got, " 204 ") || time.Since(began) > 11*time.Second {
			v.Errorf("a slow header: %q after %v", got, time.Since(began))
		}
		body, err := v.listener.dial()
		v.must(err)
		began = time.Now()
		_, err = io.WriteString(body, "POST / HTTP/1.1\r\nHost: push\r\nContent-Length: 1000000\r\n\r\n{")
		v.must(err)
		synctest.Wait()
		if got := v.send("1"); got != 429 {
			v.Errorf("a push meanwhile: %d; want 429, as the only place is taken", got)
		}
		got := read(body)
		if !strings.HasPrefix(got, "HTTP/1.1 408 ") || time.Since(began) > 6*time.Second {
			v.Errorf("a slow body: %q after %v", got, time.Since(began))
		}
		if got := v.send("1"); got != 204 {
			v.Errorf("a push after it: %d", got)
		}
	})
}

// A handler may take longer than a body: its request goes on.
func TestABodyTimeoutEndsNoHandler(t *testing.T) {
	serving(t, setup{
		handle:       func(ctx context.Context, _ *runtime.Task[job]) error { time.Sleep(time.Minute); return ctx.Err() },
		subscription: func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 120 },
		options:      pushentry.Options{BodyTimeout: time.Second},
	}, func(v *served) {
		if got := v.send("1"); got != 204 {
			v.Errorf("a minute: %d", got)
		}
		if got := v.send("2"); got != 204 {
			v.Errorf("another on the same connection: %d", got)
		}
	})
}

func TestGiantBodies(t *testing.T) {
	serving(t, setup{options: pushentry.Options{MaxBody: 1 << 20}}, func(v *served) {
		for name, size := range map[string]int64{"declared": 100 << 20, "in chunks": -1} {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://push/", io.LimitReader(endless{}, 100<<20))
			v.must(err)
			r.ContentLength = size
			response, err := v.client.Do(r)
			if err != nil { // it was cut off while it still wrote
				continue
			}
			text(v.T, response)
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				v.Errorf("%s: %d", name, response.StatusCode)
			}
		}
		if got := v.send("1"); got != 204 {
			v.Errorf("a push after them: %d", got)
		}
	})
}

// endless is an envelope without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A body that says that it is too large is not read.
func TestABodyThatSaysItIsGiantIsNotRead(t *testing.T) {
	on(t, setup{}, func(e *env) {
		e.status("the push", e.post("", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(unread{e.T}), 15<<20 }), 413)
	})
}

// unread must not be read.
type unread struct{ *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.Error("it was read")
	return 0, io.EOF
}
