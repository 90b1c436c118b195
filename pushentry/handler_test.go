package pushentry_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

var errBoom = errors.New("boom")

// returning is a handler with one result.
func returning(err error) func(context.Context, *runtime.Task[job]) error {
	return func(context.Context, *runtime.Task[job]) error { return err }
}

func TestAnswersFollowTheHandler(t *testing.T) {
	tests := []struct {
		name    string
		handle  func(context.Context, *runtime.Task[job]) error
		attempt int
		body    string // "" for a task
		want    int
		reason  string // of a dead letter; "" for none
		header  string // Retry-After
	}{
		{name: "done", handle: returning(nil), attempt: 1, want: 204},
		{name: "skipped", handle: returning(runtime.ErrSkip), attempt: 1, want: 204},
		{name: "failed", handle: returning(errBoom), attempt: 1, want: 503},
		{name: "no attempt told", handle: returning(errBoom), attempt: 0, want: 503},
		{name: "retry later", handle: returning(runtime.RetryAfter(time.Hour, errBoom)), attempt: 1, want: 503},
		{name: "snoozed", handle: returning(runtime.Snooze(time.Hour)), attempt: 1, want: 503},
		{name: "permanent", handle: returning(runtime.Permanent(errBoom)), attempt: 1, want: 204, reason: driver.ReasonPermanent},
		{name: "exhausted", handle: returning(errBoom), attempt: 5, want: 204, reason: driver.ReasonExhausted},
		{name: "crashed", handle: returning(nil), attempt: 13, want: 204, reason: driver.ReasonCrashed},
		{name: "paused", handle: returning(runtime.PauseQueue(1500*time.Millisecond, errBoom)), attempt: 1, want: 429, header: "2"},
		{name: "panic", handle: func(context.Context, *runtime.Task[job]) error { panic("boom") }, attempt: 1, want: 503},
		{name: "goexit", handle: func(context.Context, *runtime.Task[job]) error { goruntime.Goexit(); return nil }, attempt: 1, want: 503},
		{name: "no task", handle: returning(nil), attempt: 1, body: wrapped("1", []byte("hello"), 1), want: 204, reason: driver.ReasonUndecodable},
		{name: "no body", handle: returning(nil), attempt: 1, body: wrapped("1", nil, 1), want: 204, reason: driver.ReasonUndecodable},
		{name: "unknown kind", handle: returning(nil), body: wrapped("1", []byte(`{"specversion":"1.0","id":"1","source":"test","type":"other"}`), 1), want: 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, setup{handle: tt.handle}, func(e *env) {
				if tt.body == "" {
					tt.body = wrapped("1", event("task", "a"), tt.attempt)
				}
				w := e.post(tt.body)
				e.status("the push", w, tt.want)
				if got := w.Header().Get("Retry-After"); got != tt.header {
					e.Errorf("Retry-After %q; want %q", got, tt.header)
				}
				if tt.reason != "" {
					e.oneDead(tt.reason)
				} else if n := len(e.dead()); n != 0 {
					e.Errorf("%d dead letters; want none", n)
				}
				s := e.handler.Stats()
				if s.Requests != 1 || s.Running != 0 || s.Acked+s.Released+s.Buried != 1 || (s.Buried == 1) != (tt.reason != "") || len(s.Refused) != 0 {
					e.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestATaskSeesWhatWasPushed(t *testing.T) {
	on(t, setup{handle: func(ctx context.Context, task *runtime.Task[job]) error {
		end, _ := ctx.Deadline()
		if task.ID != "task-7" || task.Args.Name != "7" || task.Attempt != 3 || task.Queue != "orders" ||
			!maps.Equal(task.Attributes, map[string]string{"a": "b"}) || time.Until(end) != handlerTime {
			t.Errorf("%+v %+v until %v", task.Info, task.Args, time.Until(end))
		}
		return nil
	}}, func(e *env) { e.status("the push", e.push("7", 3), 204) })
}

func TestAHandlerIsStoppedInTimeToBury(t *testing.T) {
	slow := func(ctx context.Context, _ *runtime.Task[job]) error {
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), runtime.ErrTimeout) {
			t.Errorf("cause %v; want ErrTimeout", context.Cause(ctx))
		}
		return ctx.Err()
	}
	on(t, setup{handle: slow}, func(e *env) {
		began := time.Now()
		e.status("the last attempt", e.push("1", 5), 204)
		if took := time.Since(began); took < handlerTime || took > ackDeadline {
			e.Errorf("it took %v", took)
		}
		e.oneDead(driver.ReasonExhausted)
	})
}

// slowBody takes its time for the first byte.
type slowBody struct {
	io.Reader
	wait time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	time.Sleep(b.wait)
	b.wait = 0
	return b.Reader.Read(p)
}

func TestATaskWithoutTimeIsNotBegun(t *testing.T) {
	var ran atomic.Int64
	on(t, setup{handle: func(context.Context, *runtime.Task[job]) error { ran.Add(1); return nil }}, func(e *env) {
		for i, wait := range []time.Duration{handlerTime - time.Second, handlerTime, ackDeadline} {
			w := e.post("", func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(&slowBody{strings.NewReader(wrapped("1", event("1", "a"), 1)), wait}), -1
			})
			synctest.Wait()
			if want := []int{204, 503, 503}[i]; w.Code != want || ran.Load() != 1 {
				e.Errorf("a body that came after %v: %d, and it ran %d times; want %d and once", wait, w.Code, ran.Load(), want)
			}
		}
	})
}

func TestAHandlerThatGoesOnIsAnsweredFor(t *testing.T) {
	var settled []runtime.Settled
	on(t, setup{
		handle:  func(context.Context, *runtime.Task[job]) error { time.Sleep(30 * time.Second); return nil },
		options: pushentry.Options{Concurrency: 1, OnSettled: func(s runtime.Settled) { settled = append(settled, s) }},
	}, func(e *env) {
		began := time.Now()
		e.status("the push", e.push("1", 1), 503, "did not end in time")
		if took := time.Since(began); took >= ackDeadline {
			e.Errorf("it took %v, as long as the ack deadline", took)
		}
		e.status("another meanwhile", e.push("2", 1), 429)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if len(settled) != 1 || settled[0].Err == nil {
			e.Errorf("%+v; want that nobody waited", settled)
		}
	})
}

func TestABuryIsTriedAgainWhileTheLeaseLasts(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		on(t, setup{handle: returning(runtime.Permanent(errBoom))}, func(e *env) {
			e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.Unavailable, Count: 3})
			e.status("the push", e.push("1", 1), 204)
			e.oneDead(driver.ReasonPermanent)
		})
	})
	t.Run("too late", func(t *testing.T) {
		var settled runtime.Settled
		dead := 0
		on(t, setup{handle: returning(runtime.Permanent(errBoom)), options: pushentry.Options{
			OnSettled: func(s runtime.Settled) { settled = s },
			OnDead:    func(runtime.Settled) { dead++ },
		}}, func(e *env) {
			disarm := e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.Unavailable})
			began := time.Now()
			e.status("the push", e.push("1", 1), 503)
			if took := time.Since(began); took > ackDeadline {
				e.Errorf("it took %v, longer than the lease", took)
			}
			disarm()
			if settled.Err == nil || dead != 0 || len(e.dead()) != 0 {
				e.Errorf("settled %+v, %d deaths told of", settled, dead)
			}
		})
	})
	t.Run("never", func(t *testing.T) {
		on(t, setup{handle: returning(runtime.Permanent(errBoom))}, func(e *env) {
			e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.PermissionDenied})
			began := time.Now()
			e.status("the push", e.push("1", 1), 503)
			if time.Since(began) != 0 {
				e.Errorf("it was tried for %v", time.Since(began))
			}
		})
	})
}

// A copy with a due time, which a Worker has made, is sent anew when it is due, as all
// its deliveries so far were hops.
func TestACopyIsSentBeforeTheAnswer(t *testing.T) {
	carry, err := driver.EncodeCarry(driver.Carry{Attempts: 2, NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []codes.Code{codes.OK, codes.PermissionDenied} {
		t.Run(fault.String(), func(t *testing.T) {
			ran := 0
			on(t, setup{handle: func(context.Context, *runtime.Task[job]) error { ran++; return nil }}, func(e *env) {
				if fault != codes.OK {
					e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: fault})
				}
				body := strings.Replace(wrapped("1", event("task", "a"), 2), `"attributes":{"a":"b"}`, `"attributes":{"longshore":`+quote(carry)+`}`, 1)
				w := e.post(body)
				got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10})
				e.must(err)
				if fault != codes.OK {
					e.status("the push", w, 503)
					if len(got) != 0 || ran != 0 {
						e.Errorf("%d copies, run %d times", len(got), ran)
					}
					return
				}
				e.status("the push", w, 204)
				if len(got) != 1 || ran != 0 || got[0].Message().Carry.Attempts != 2 || !got[0].Message().Carry.NotBefore.IsZero() {
					e.Fatalf("%d copies, run %d times; want one copy", len(got), ran)
				}
			})
		})
	}
}

func TestHooks(t *testing.T) {
	var settled, failed, dead []runtime.Settled
	on(t, setup{
		handle: func(_ context.Context, task *runtime.Task[job]) error {
			switch task.Args.Name {
			case "bad":
				return runtime.Permanent(errBoom)
			case "shaky":
				return errBoom
			}
			return nil
		},
		options: pushentry.Options{
			OnSettled: func(s runtime.Settled) { settled = append(settled, s); panic("hook") },
			OnError:   func(s runtime.Settled) { failed = append(failed, s) },
			OnDead:    func(s runtime.Settled) { dead = append(dead, s) },
		},
	}, func(e *env) {
		e.status("good", e.push("good", 1), 204)
		e.status("bad", e.push("bad", 1), 204)
		e.status("shaky", e.push("shaky", 1), 503)
		if len(settled) != 3 || len(failed) != 2 || len(dead) != 1 {
			e.Fatalf("%d settled, %d failed, %d dead", len(settled), len(failed), len(dead))
		}
		if s := dead[0]; s.Queue != "orders" || s.MessageID != "bad" || s.Decision.Task.ID != "task-bad" || s.Err != nil || !errors.Is(s.Decision.Err, errBoom) {
			e.Errorf("dead: %+v", s)
		}
		if !strings.Contains(e.log.String(), "hook=OnSettled") {
			e.Error("the panic of a hook is not logged")
		}
	})
}

// What goes wrong in this package must not end the process.
func TestAPanicOfTheDriverIsAnswered(t *testing.T) {
	on(t, setup{
		handle: returning(runtime.Permanent(errBoom)),
		queue: func(q driver.Queue) driver.Queue {
			return faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Settle, Times: 1, Match: func(*faultqueue.Call) bool { panic("boom") }})
		},
	}, func(e *env) {
		e.status("the push", e.push("1", 1), 500)
		if s := e.handler.Stats(); s.Running != 0 || s.Refused[500] != 1 {
			e.Errorf("%+v", s)
		}
	})
}

func TestRoutes(t *testing.T) {
	on(t, setup{}, func(e *env) {
		other, err := e.pubsubQueue("mails")
		e.must(err)
		var both runtime.Queues
		e.must(both.Add(*e.queues.All()[0]))
		e.must(both.Add(runtime.QueueInfo{Name: "mails", Driver: other}))
		two, err := pushentry.New(e.mux, &both, &pushentry.Options{Unauthenticated: true})
		e.must(err)
		at := func(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(e.Context(), method, path, strings.NewReader(body)))
			return w
		}
		task := wrapped("1", event("1", "1"), 1)
		mail := strings.Replace(task, "subscriptions/orders", "subscriptions/mails", 1)
		e.status("the only one", at(e.handler, "POST", "/", task), 204)
		e.status("the only one by name", at(e.handler, "POST", "/orders", task), 204)
		e.status("another", at(e.handler, "POST", "/mails", task), 404)
		e.status("one of two", at(two, "POST", "/orders", task), 204)
		e.status("the other of two", at(two, "POST", "/mails", mail), 204)
		e.status("none of two", at(two, "POST", "/", task), 404)
		w := at(e.handler, "GET", "/", "")
		e.status("a GET", w, 405)
		if w.Header().Get("Allow") != "POST" {
			e.Errorf("Allow %q", w.Header().Get("Allow"))
		}
		e.status("the wrong one of two", at(two, "POST", "/mails", task), 400, `"projects/test/subscriptions/orders"`, `"projects/test/subscriptions/mails"`)
		number := strings.Replace(task, "projects/test/", "projects/123456/", 1)
		e.status("the project by its number", at(e.handler, "POST", "/", number), 204)
		e.must(other.Close(e.Context()))
	})
}

func TestOptionsAreChecked(t *testing.T) {
	on(t, setup{}, func(e *env) {
		open := pushentry.Options{Unauthenticated: true}
		with := func(f func(*pushentry.Options)) *pushentry.Options { o := open; f(&o); return &o }
		memory := new(runtime.Queues)
		inMemory, err := mem.New("orders", nil)
		e.must(err)
		e.must(memory.Add(runtime.QueueInfo{Name: "orders", Driver: inMemory}))
		tests := []struct {
			name   string
			mux    *runtime.Mux
			queues *runtime.Queues
			opts   *pushentry.Options
			says   string
		}{
			{"no mux", nil, e.queues, &open, "no mux"},
			{"no handler", runtime.NewMux(nil), e.queues, &open, "no handler"},
			{"no queue", e.mux, nil, &open, "no queue"},
			{"a queue in memory", e.mux, memory, &open, "pubsub://"},
			{"nothing", e.mux, e.queues, nil, "no audience"},
			{"no account", e.mux, e.queues, &pushentry.Options{Audience: "a"}, "no service account"},
			{"both", e.mux, e.queues, with(func(o *pushentry.Options) { o.Audience = "a" }), "either or"},
			{"checked by nobody", e.mux, e.queues, with(func(o *pushentry.Options) { o.SignatureChecked = true }), "either or"},
			{"keys by http", e.mux, e.queues, &pushentry.Options{Audience: "a", ServiceAccount: "b", KeysURL: "http://example.com/keys"}, "https"},
			{"keys from nowhere", e.mux, e.queues, &pushentry.Options{Audience: "a", ServiceAccount: "b", KeysURL: "keys"}, "none"},
			{"leeway", e.mux, e.queues, &pushentry.Options{Audience: "a", ServiceAccount: "b", Leeway: time.Hour}, "leeway"},
			{"max body", e.mux, e.queues, with(func(o *pushentry.Options) { o.MaxBody = 1 }), "max body"},
			{"body timeout", e.mux, e.queues, with(func(o *pushentry.Options) { o.BodyTimeout = -1 }), "body timeout"},
			{"concurrency", e.mux, e.queues, with(func(o *pushentry.Options) { o.Concurrency = -1 }), "concurrency"},
			{"margin", e.mux, e.queues, with(func(o *pushentry.Options) { o.Margin = time.Hour }), "margin"},
			{"grace", e.mux, e.queues, with(func(o *pushentry.Options) { o.Grace = time.Millisecond }), "grace"},
			{"path", e.mux, e.queues, with(func(o *pushentry.Options) { o.Path = "push" }), "path"},
			{"unwrapped", e.mux, e.queues, with(func(o *pushentry.Options) { o.Unwrapped = []string{"mails"} }), "mails"},
		}
		for _, tt := range tests {
			_, err := pushentry.New(tt.mux, tt.queues, tt.opts)
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), tt.says) {
				e.Errorf("%s: %v; want InvalidArgument that says %q", tt.name, err, tt.says)
			}
		}
		e.must(memory.Close(e.Context()))
	})
}

// A message is never run twice at the same time, and is run again after its answer.
func TestAMessageThatIsPushedAgainJoins(t *testing.T) {
	var running, most, ran atomic.Int64
	on(t, setup{handle: func(_ context.Context, task *runtime.Task[job]) error {
		ran.Add(1)
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(3 * time.Second)
		if task.Args.Name == "bad" {
			return runtime.Permanent(errBoom)
		}
		return nil
	}, options: pushentry.Options{Concurrency: 3}}, func(e *env) {
		for name, want := range map[string]int{"good": 0, "bad": 1} {
			ran.Store(0)
			answers := make(chan *httptest.ResponseRecorder, 3)
			for i := range 3 {
				go func() { answers <- e.push(name, i+1) }()
				time.Sleep(time.Second / 2)
			}
			for range 3 {
				e.status(name, <-answers, 204)
			}
			if most.Load() != 1 || ran.Load() != 1 {
				e.Errorf("%s: run %d times, %d at a time", name, ran.Load(), most.Load())
			}
			if n := len(e.dead()); n != want {
				e.Errorf("%s: %d dead letters; want %d", name, n, want)
			}
		}
		if s := e.handler.Stats(); s.Joined != 4 || s.Acked != 1 || s.Buried != 1 || s.Running != 0 {
			e.Errorf("%+v", s)
		}
		e.status("a replay", e.push("good", 4), 204)
		if ran.Load() != 2 {
			e.Errorf("the replay did not run")
		}
	})
}

// The push that began a run may be out of time by the end of it; another has the right
// to bury then.
func TestTheNewestPushBuries(t *testing.T) {
	on(t, setup{handle: func(context.Context, *runtime.Task[job]) error {
		time.Sleep(15 * time.Second) // whatever its context says
		return runtime.Permanent(errBoom)
	}}, func(e *env) {
		answers := make(chan *httptest.ResponseRecorder, 1)
		go func() { answers <- e.push("1", 1) }()
		time.Sleep(9500 * time.Millisecond)
		e.status("the first", <-answers, 503)
		e.status("the second", e.push("1", 2), 204)
		e.oneDead(driver.ReasonPermanent)
	})
}

func TestNothingIsBuriedThatNobodyWaitsFor(t *testing.T) {
	var settled []runtime.Settled
	on(t, setup{
		handle: func(context.Context, *runtime.Task[job]) error {
			time.Sleep(time.Second)
			return runtime.Permanent(errBoom)
		},
		options: pushentry.Options{OnSettled: func(s runtime.Settled) { settled = append(settled, s) }},
	}, func(e *env) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/2) // of the client
		defer cancel()
		e.post(wrapped("1", event("1", "1"), 1), func(r *http.Request) { *r = *r.WithContext(ctx) })
		time.Sleep(time.Second)
		synctest.Wait()
		if len(e.dead()) != 0 || len(settled) != 1 || !errors.Is(settled[0].Err, runtime.ErrLeaseLost) {
			e.Errorf("%d dead letters, %+v", len(e.dead()), settled)
		}
		e.status("the next push", e.push("1", 2), 204)
		e.oneDead(driver.ReasonPermanent)
	})
}

func TestTheHandlerOutlivesItsClient(t *testing.T) {
	ended := false
	on(t, setup{handle: func(ctx context.Context, _ *runtime.Task[job]) error {
		select {
		case <-time.After(2 * time.Second):
			ended = true
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, func(e *env) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go e.post(wrapped("1", event("1", "1"), 1), func(r *http.Request) { *r = *r.WithContext(ctx) })
		time.Sleep(1500 * time.Millisecond)
		e.status("the next push", e.push("1", 2), 204)
		if s := e.handler.Stats(); !ended || s.Joined != 1 || s.Acked != 1 {
			e.Errorf("ended %v, %+v", ended, s)
		}
	})
}

// A push that finds no place waits a moment, and is refused then.
func TestAPushWaitsAMomentForAPlace(t *testing.T) {
	on(t, setup{
		handle: func(context.Context, *runtime.Task[job]) error {
			time.Sleep(3 * time.Second)
			return nil
		},
		options: pushentry.Options{Concurrency: 1},
	}, func(e *env) {
		first := make(chan int, 1)
		go func() { first <- e.push("1", 1).Code }()
		time.Sleep(time.Second / 2)
		start := time.Now()
		e.status("the second", e.push("2", 1), 429)
		if d := time.Since(start); d != 2*time.Second {
			e.Errorf("it was refused after %v; want 2s", d)
		}
		if code := <-first; code != 204 {
			e.Errorf("the first is answered %d", code)
		}
	})
}

func TestConcurrencyIsLimited(t *testing.T) {
	var running, most atomic.Int64
	on(t, setup{
		handle: func(context.Context, *runtime.Task[job]) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return nil
		},
		options: pushentry.Options{Concurrency: 3},
	}, func(e *env) {
		answers := make(chan *httptest.ResponseRecorder, 10)
		for i := range 10 {
			go func() { answers <- e.push(string(rune('a'+i)), 1) }()
		}
		got := make(map[int]int)
		for range 10 {
			w := <-answers
			if got[w.Code]++; w.Code == 429 && w.Header().Get("Retry-After") != "1" {
				e.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
		}
		if got[204] != 6 || got[429] != 4 || most.Load() != 3 { // as many wait for a place
			e.Errorf("answers %v, %d at a time; want 3 that run, 3 that run after them and 4 that are refused", got, most.Load())
		}
		e.status("the next", e.push("z", 1), 204)
	})
}

// Of the tasks beyond their MaxAttempts one runs at a time.
func TestSuspectsRunOneAtATime(t *testing.T) {
	var running, most atomic.Int64
	on(t, setup{handle: func(context.Context, *runtime.Task[job]) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(time.Second)
		return nil
	}}, func(e *env) {
		answers := make(chan *httptest.ResponseRecorder, 6)
		for i := range 6 {
			go func() { answers <- e.push(string(rune('a'+i)), 6) }()
		}
		got := make(map[int]int)
		for range 6 {
			got[(<-answers).Code]++
		}
		// They wait for half of the lease of 9 s at most.
		if most.Load() != 1 || got[204] != 5 || got[503] != 1 {
			e.Errorf("%d at a time, answers %v", most.Load(), got)
		}
	})
}

func TestAnOrderedQueueReleasesAndBuries(t *testing.T) {
	on(t, setup{ordered: true, handle: func(_ context.Context, task *runtime.Task[job]) error {
		if task.Attempt == 1 {
			return errBoom
		}
		return runtime.Permanent(errBoom)
	}}, func(e *env) {
		body := func(attempt int) string {
			return strings.Replace(wrapped("1", event("1", "1"), attempt), `"messageId"`, `"orderingKey":"customer","messageId"`, 1)
		}
		e.status("the first attempt", e.post(body(1)), 503)
		e.status("the second", e.post(body(2)), 204)
		if m := e.oneDead(driver.ReasonPermanent); m.GroupKey != "customer" {
			e.Errorf("group %q", m.GroupKey)
		}
	})
}

func TestDrainWaitsAndTellsHandlers(t *testing.T) {
	on(t, setup{handle: func(ctx context.Context, task *runtime.Task[job]) error {
		if task.Args.Name == "short" {
			time.Sleep(time.Second)
			return nil
		}
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), runtime.ErrDraining) {
			t.Errorf("cause %v; want ErrDraining", context.Cause(ctx))
		}
		return ctx.Err()
	}}, func(e *env) {
		short, long := make(chan *httptest.ResponseRecorder, 1), make(chan *httptest.ResponseRecorder, 1)
		go func() { short <- e.push("short", 1) }()
		go func() { long <- e.push("long", 5) }()
		time.Sleep(time.Second / 2)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		e.must(e.handler.Drain(ctx))
		if took := time.Since(began); took != 3*time.Second {
			e.Errorf("the drain took %v; want that handlers are told 2 s before its end", took)
		}
		e.status("what ended in time", <-short, 204)
		e.status("what was cut short on its last attempt", <-long, 503)
		e.status("a push after the drain", e.push("1", 1), 503, "about to end")
		if n := len(e.dead()); n != 0 {
			e.Errorf("%d dead letters", n)
		}
	})
}

func TestDrainTellsOfWhatGoesOn(t *testing.T) {
	on(t, setup{handle: func(context.Context, *runtime.Task[job]) error { time.Sleep(20 * time.Second); return nil }}, func(e *env) {
		go e.push("1", 1)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := e.handler.Drain(ctx); !driver.Is(err, driver.DeadlineExceeded) || !strings.Contains(err.Error(), "1 handler is still running") {
			e.Errorf("error %v", err)
		}
	})
}

func TestDrainWaitsForHandlersThatWereGivenUp(t *testing.T) {
	on(t, setup{
		handle: func(context.Context, *runtime.Task[job]) error { time.Sleep(10 * time.Second); return nil },
		how:    []runtime.HandleOption{runtime.HardTimeout(3 * time.Second)},
	}, func(e *env) {
		e.status("given up", e.push("1", 1), 503)
		ctx, cancel := context.WithTimeout(e.Context(), time.Second)
		defer cancel()
		if err := e.handler.Drain(ctx); !driver.Is(err, driver.DeadlineExceeded) || !strings.Contains(err.Error(), "1 handler is") {
			e.Errorf("%v; want that one is still running", err)
		}
		began := time.Now()
		e.must(e.handler.Drain(context.Background()))
		if got := time.Since(began); got != 6*time.Second {
			e.Errorf("the drain took %v; want the 6s until it returns", got)
		}
	})
}

func TestNothingOfAPayloadIsLogged(t *testing.T) {
	on(t, setup{handle: returning(errBoom)}, func(e *env) {
		e.post(wrapped("1", []byte("SECRET"), 1))
		e.post(wrapped("2", event("2", "SECRET"), 1))
		e.post(`{"message":{"messageId":"1","data":"SECRET!"}}`)
		e.post(`SECRET`)
		e.post(`{"message":{"messageId":"1","attributes":["SECRET"]}}`)
		e.post(`{"message":{"messageId":"1","attributes":{"a":{"SECRET":"SECRET"}}}}`)
		if strings.Contains(e.log.String(), "SECRET") {
			e.Errorf("the log has it:\n%s", e.log)
		}
	})
}
