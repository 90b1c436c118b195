package pubsubfake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const endpointURL = "https://worker.example.com/push"

// endpoint is what messages are pushed to. It answers 204, or as answer says.
type endpoint struct {
	start  time.Time
	answer func(ctx context.Context, text string, n int) int // n counts the requests from 1

	mu   sync.Mutex
	got  []pushed // guarded by mu
	open int      // guarded by mu; requests under way
}

// pushed is one request.
type pushed struct {
	text    string
	attempt int
	at      time.Duration
	beside  int // requests under way when it came, itself among them
	header  http.Header
}

func (p *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
		Attempt int `json:"deliveryAttempt"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	text := string(body.Message.Data)
	p.mu.Lock()
	p.open++
	p.got = append(p.got, pushed{text, body.Attempt, time.Since(p.start), p.open, r.Header})
	n := len(p.got)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
	}()
	status := http.StatusNoContent
	if p.answer != nil {
		status = p.answer(r.Context(), text, n)
	}
	w.WriteHeader(status)
}

// requests gives those until now, and forgets them.
func (p *endpoint) requests() []pushed {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// shown gives what f shows of each request until now, and forgets them.
func (p *endpoint) shown(f func(r pushed) string) string {
	var out []string
	for _, r := range p.requests() {
		out = append(out, f(r))
	}
	return strings.Join(out, " ")
}

// pushes runs test in virtual time with an endpoint for push subscriptions.
func pushes(t *testing.T, answer func(ctx context.Context, text string, n int) int, test func(e *env, p *endpoint)) {
	t.Helper()
	pushesFrom(t, 0, answer, test)
}

// pushesFrom is pushes with a first window.
func pushesFrom(t *testing.T, window int, answer func(ctx context.Context, text string, n int) int, test func(e *env, p *endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &endpoint{start: time.Now(), answer: answer}
		client := pubsubfake.HandlerClient(p)
		defer client.CloseIdleConnections()
		s := pubsubfake.New(&pubsubfake.Options{PushClient: client, PushWindow: window})
		defer s.Close()
		test(newEnv(t, s, s.ClientOptions), p)
	})
}

func push(c *pubsubpb.Subscription) {
	c.PushConfig = &pubsubpb.PushConfig{PushEndpoint: endpointURL}
}

// direct changes where a subscription is pushed to; empty has it pulled.
func (e *env) direct(sub, endpoint string) {
	e.Helper()
	e.must(e.subs.ModifyPushConfig(e.Context(), &pubsubpb.ModifyPushConfigRequest{
		Subscription: subName(sub), PushConfig: &pubsubpb.PushConfig{PushEndpoint: endpoint},
	}))
}

func (e *env) publishMany(topic string, n int) {
	e.Helper()
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	e.publish(topic, texts...)
}

func byTime(r pushed) string { return r.at.String() }
func byText(r pushed) string { return r.text }
func always(status int) func(context.Context, string, int) int {
	return func(context.Context, string, int) int { return status }
}

// after takes a second for each request.
func after(status int) func(context.Context, string, int) int {
	return func(context.Context, string, int) int {
		time.Sleep(time.Second)
		return status
	}
}

func TestPushWindowDoublesWithSuccess(t *testing.T) {
	pushes(t, after(http.StatusOK), func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publishMany("orders", 500)
		for _, want := range []int{4, 8, 16, 32, 64, 128} {
			synctest.Wait()
			if got := len(p.requests()); got != want {
				t.Errorf("%d requests began, want %d", got, want)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		e.wantCount("orders", pubsubfake.Count{})
	})
}

func TestPushWindowHalvesWithFailure(t *testing.T) {
	pushes(t, nil, func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publishMany("orders", 28) // 4, to 32
		synctest.Wait()
		p.answer = func(_ context.Context, _ string, n int) int {
			if n == 29 {
				return http.StatusServiceUnavailable
			}
			time.Sleep(time.Second)
			return http.StatusOK
		}
		e.publish("orders", "fails once") // to 16, then it is one more
		time.Sleep(2 * time.Second)
		p.requests()
		e.publishMany("orders", 100)
		synctest.Wait()
		if got := len(p.requests()); got != 17 {
			t.Errorf("%d requests began, want 17", got)
		}
	})
}

func TestPushBackoffHoldsAllMessages(t *testing.T) {
	pushesFrom(t, 1, always(http.StatusServiceUnavailable), func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publish("orders", "a")
		time.Sleep(10 * time.Millisecond)
		e.publish("orders", "b")
		time.Sleep(2 * time.Second)
		if got := p.shown(func(r pushed) string { return r.text + " " + r.at.String() }); got !=
			"a 0s a 100ms b 300ms a 700ms b 1.5s" {
			t.Errorf("pushed %s", got)
		}
	})
}

// The longer of push backoff and the retry policy's holds a message.
func TestPushKeepsTheRetryPolicy(t *testing.T) {
	pushes(t, always(http.StatusServiceUnavailable), func(e *env, p *endpoint) {
		e.queue("orders", push, retry(10*time.Second, 30*time.Second))
		e.publish("orders", "x")
		time.Sleep(100 * time.Second)
		if got := p.shown(byTime); got != "0s 10s 30s 1m0s 1m30s" {
			t.Errorf("pushed at %s", got)
		}
	})
}

func TestPushEndsWithTheAckDeadline(t *testing.T) {
	hang := func(ctx context.Context, _ string, n int) int {
		if n == 1 {
			<-ctx.Done()
		}
		return http.StatusOK
	}
	sleepOn := func(_ context.Context, _ string, n int) int {
		if n == 1 {
			time.Sleep(15 * time.Second)
		}
		return http.StatusOK
	}
	for name, answer := range map[string]func(context.Context, string, int) int{"never": hang, "late": sleepOn} {
		for _, dead := range []bool{false, true} {
			pushes(t, answer, func(e *env, p *endpoint) {
				e.topic("dead")
				e.queue("orders", push, hold(12), func(c *pubsubpb.Subscription) {
					if dead {
						withDead("dead", 5)(c)
					}
				})
				e.publish("orders", "x")
				time.Sleep(12*time.Second - time.Millisecond)
				e.wantCount("orders", pubsubfake.Count{Leased: 1})
				time.Sleep(time.Minute)
				want := "0s/0 12.1s/0"
				if dead {
					want = "0s/1 12.1s/2"
				}
				if got := p.shown(func(r pushed) string { return fmt.Sprintf("%v/%d", r.at, r.attempt) }); got != want {
					t.Errorf("%s: pushed at %s, want %s", name, got, want)
				}
				e.wantCount("orders", pubsubfake.Count{})
			})
		}
	}
}

func TestPushGoesToTheDeadLetter(t *testing.T) {
	pushes(t, always(http.StatusInternalServerError), func(e *env, p *endpoint) {
		e.queue("dead")
		e.queue("orders", push, withDead("dead", 7))
		e.publish("orders", "poison")
		d := e.one("dead", time.Hour)
		if got := p.shown(func(r pushed) string { return fmt.Sprint(r.attempt) }); got != "1 2 3 4 5 6 7" {
			t.Errorf("the attempts are %s", got)
		}
		if got := d.GetMessage().GetAttributes()["CloudPubSubDeadLetterSourceDeliveryCount"]; string(d.GetMessage().GetData()) != "poison" || got != "7" {
			t.Errorf("the dead letter is %v", d)
		}
		e.wantCount("orders", pubsubfake.Count{})
	})
}

func TestPushKeepsOrder(t *testing.T) {
	var failed sync.Map
	pushes(t, func(_ context.Context, text string, _ int) int {
		time.Sleep(time.Second)
		if _, before := failed.LoadOrStore(text, true); text == "a1" && !before {
			return http.StatusConflict
		}
		return http.StatusOK
	}, func(e *env, p *endpoint) {
		e.queue("orders", push, ordered)
		e.publishKey("orders", "a", "a1", "a2", "a3")
		e.publishKey("orders", "b", "b1", "b2", "b3")
		time.Sleep(time.Minute)
		got := p.requests()
		var a, b []string
		for _, r := range got {
			if r.beside > 2 {
				t.Errorf("%s came beside %d others of two keys", r.text, r.beside-1)
			}
			if strings.HasPrefix(r.text, "a") {
				a = append(a, r.text)
			} else {
				b = append(b, r.text)
			}
		}
		if last := got[len(got)-1].at; fmt.Sprint(a, b) != "[a1 a1 a2 a3] [b1 b2 b3]" || last > 4*time.Second {
			t.Errorf("pushed %q and %q, the last at %v", a, b, last)
		}
		if !slices.ContainsFunc(got, func(r pushed) bool { return r.beside == 2 }) {
			t.Error("one key has held the other")
		}
	})
}

func TestPushChangesToPullAndBack(t *testing.T) {
	release := make(chan int)
	pushes(t, func(_ context.Context, text string, _ int) int {
		if text == "under way" {
			return <-release
		}
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		release = make(chan int)
		e.queue("orders", push)
		for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
			e.publish("orders", "under way")
			synctest.Wait()
			e.publish("orders", "waits")
			synctest.Wait()
			e.direct("orders", "")
			ms := e.wantPull("orders", "waits")
			e.must(e.ack("orders", ms...))
			release <- status
			synctest.Wait()
			if status != http.StatusOK {
				e.must(e.ack("orders", e.wantPull("orders", "under way")...))
			}
			e.wantCount("orders", pubsubfake.Count{})
			e.publish("orders", "again")
			p.requests()
			e.direct("orders", endpointURL)
			synctest.Wait()
			if got := p.shown(byText); got != "again" {
				t.Errorf("pushed %q, want again", got)
			}
			e.direct("orders", "")
			e.must(e.ack("orders", e.wantPull("orders", "again")...))
			e.direct("orders", endpointURL)
		}
	})
}

func TestPullThatWaitsFailsWhenItsSubscriptionIsPushed(t *testing.T) {
	pushes(t, nil, func(e *env, p *endpoint) {
		e.queue("orders")
		failed := make(chan error)
		go func() {
			_, err := e.tryPull("orders", 1, time.Hour)
			failed <- err
		}()
		synctest.Wait()
		e.direct("orders", endpointURL)
		e.wantCode(<-failed, codes.FailedPrecondition)
		if p.start != time.Now() {
			t.Error("it failed late")
		}
	})
}

func TestChangedEndpointHasAWindowOfItsOwn(t *testing.T) {
	pushes(t, func(_ context.Context, _ string, n int) int {
		if n > 6 {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publish("orders", "x")
		time.Sleep(4 * time.Second) // six failures, the last at 3.1s; the next after 3.2s
		_, err := e.subs.UpdateSubscription(e.Context(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: subName("orders"), PushConfig: &pubsubpb.PushConfig{PushEndpoint: endpointURL + "2"}},
			UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"push_config"}},
		})
		e.must(err)
		synctest.Wait()
		e.wantCount("orders", pubsubfake.Count{})
		if n := len(p.requests()); n != 7 {
			t.Errorf("%d requests, want 7", n)
		}
	})
}

func TestPushIsUseWhenItSucceeds(t *testing.T) {
	pushes(t, func(_ context.Context, text string, _ int) int {
		if text == "bad" {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}, func(e *env, p *endpoint) {
		e.queue("quiet", push, idle(24*time.Hour))
		e.queue("orders", push, idle(24*time.Hour))
		for _, text := range []string{"good", "good", "bad"} {
			time.Sleep(20 * time.Hour)
			e.publish("orders", text)
			synctest.Wait()
			if got := p.shown(byText); got != text {
				t.Fatalf("pushed %q, want %q", got, text)
			}
		}
		time.Sleep(20 * time.Hour)
		if got := p.requests(); len(got) == 0 || got[len(got)-1].at >= 64*time.Hour {
			t.Errorf("%d requests, want some, and none after 24 hours without success", len(got))
		}
		for _, id := range []string{"orders", "quiet"} {
			_, err := e.subs.GetSubscription(e.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subName(id)})
			e.wantCode(err, codes.NotFound)
		}
	})
}

func TestPushEndsWithItsSubscription(t *testing.T) {
	pushes(t, func(context.Context, string, int) int {
		time.Sleep(time.Second)
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publish("orders", "x")
		synctest.Wait()
		e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("orders")}))
		time.Sleep(time.Hour)
		if got := p.shown(byTime); got != "0s" {
			t.Errorf("pushed at %s", got)
		}
	})
}

func TestPusherEndsWithItsSubscription(t *testing.T) {
	pushes(t, nil, func(e *env, _ *endpoint) {
		e.topic("orders")
		before := 0
		for i := range 20 {
			e.subscription("sub", "orders", push)
			e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("sub")}))
			if synctest.Wait(); i == 0 {
				before = runtime.NumGoroutine()
			}
		}
		if more := runtime.NumGoroutine() - before; more > 10 {
			t.Errorf("%d goroutines more after 20 subscriptions", more)
		}
	})
}

func TestCloseCutsPushes(t *testing.T) {
	pushes(t, func(ctx context.Context, _ string, _ int) int { // its bubble fails when a goroutine stays
		<-ctx.Done()
		return http.StatusOK
	}, func(e *env, p *endpoint) {
		for _, id := range []string{"one", "two", "three"} {
			e.queue(id, push, hold(600))
			e.publishMany(id, 10)
		}
		e.direct("two", "") // with requests under way
		e.queue("idle", push)
		e.server.Fault(pubsubfake.Fault{Op: "Push", Resource: "slow", Delay: time.Hour})
		e.queue("slow", push)
		e.publish("slow", "x")
		synctest.Wait()
		if n := e.server.InFlight()["Push"]; n != 13 {
			t.Errorf("%d pushes are under way, want 13", n)
		}
		e.must(e.server.Close())
		if n := e.server.InFlight()["Push"]; n != 0 || p.start != time.Now() {
			t.Errorf("Close left %d pushes, after %v", n, time.Since(p.start))
		}
	})
}

func TestPushFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault pubsubfake.Fault
		want  string // when requests come to the endpoint
		took  time.Duration
	}{
		{"before", pubsubfake.Fault{Code: codes.Unavailable}, "100ms", 100 * time.Millisecond},
		{"cut", pubsubfake.Fault{Cut: true}, "100ms", 100 * time.Millisecond},
		{"after", pubsubfake.Fault{AfterEffect: true}, "0s 100ms", 100 * time.Millisecond},
		{"delay", pubsubfake.Fault{Delay: 3 * time.Second}, "3s", 3 * time.Second},
		{"late answer", pubsubfake.Fault{Delay: 3 * time.Second, AfterEffect: true}, "0s", 3 * time.Second},
		{"delay beyond the deadline", pubsubfake.Fault{Delay: time.Minute}, "10.1s", 10_100 * time.Millisecond},
		{"answer beyond the deadline", pubsubfake.Fault{Delay: time.Minute, AfterEffect: true}, "0s 10.1s", 10_100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pushes(t, nil, func(e *env, p *endpoint) {
				tt.fault.Op, tt.fault.Resource, tt.fault.Count = "Push", "orders", 1
				e.server.Fault(tt.fault)
				e.queue("orders", push)
				e.publish("orders", "x")
				time.Sleep(tt.took - time.Nanosecond)
				synctest.Wait()
				if c := e.server.Count(subName("orders")); c == (pubsubfake.Count{}) {
					t.Error("it was acknowledged before")
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				e.wantCount("orders", pubsubfake.Count{})
				if got := p.shown(byTime); got != tt.want {
					t.Errorf("pushed at %s, want %s", got, tt.want)
				}
				if n := e.server.Requests()["Push"]; n < 1 {
					t.Errorf("%d pushes are counted", n)
				}
			})
		})
	}
}

// roundTrip gives the status of an answer, and does not heed the context of a request.
type roundTrip func() int

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f(), Body: http.NoBody, Request: r}, nil
}

// What comes of a push after its message was pushed anew says nothing of that.
func TestPushThatOutlivesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var came []time.Duration
		client := &http.Client{Transport: roundTrip(func() int {
			mu.Lock()
			came = append(came, time.Since(start))
			n := len(came)
			mu.Unlock()
			if n == 1 {
				time.Sleep(12 * time.Second)
				return http.StatusServiceUnavailable
			}
			time.Sleep(5 * time.Second)
			return http.StatusOK
		})}
		s := pubsubfake.New(&pubsubfake.Options{PushClient: client})
		defer s.Close()
		e := newEnv(t, s, s.ClientOptions)
		e.queue("orders", push)
		e.publish("orders", "x")
		time.Sleep(time.Minute)
		e.wantCount("orders", pubsubfake.Count{})
		mu.Lock()
		defer mu.Unlock()
		if got := fmt.Sprint(came); got != "[0s 11s]" {
			t.Errorf("pushed at %s, want [0s 11s]", got)
		}
	})
}
