package runtime_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// attributed is a queue that delays no release, so that each retry is a copy, and whose
// first messages come with attributes, of which others may be sent by other producers.
func attributed(attributes map[string]string) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue {
		return copying{faultqueue.New(q, faultqueue.Rule{Op: faultqueue.Receive, Fault: faultqueue.Lie(nil, views(func(v *faultqueue.View) {
			if v.Message.Carry.IsZero() && v.Message.Death == nil {
				v.Message.Attributes = maps.Clone(attributes)
			}
		}))})}
	}
}

type copying struct{ driver.Queue }

func (q copying) Capabilities() driver.Capabilities {
	c := q.Queue.Capabilities()
	c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{Note: "none"}, 0
	return c
}

// The attributes of an event in binary mode are the task: no copy goes without them.
func TestACopyOfABinaryEventIsTheSameEvent(t *testing.T) {
	event := func(prefix string, others ...string) map[string]string {
		all := map[string]string{
			prefix + "specversion": "1.0", prefix + "id": "event-1", prefix + "type": "job", prefix + "source": "/elsewhere",
			"content-type": "application/json", "tenant": "acme",
		}
		for _, name := range others {
			all[name] = "x"
		}
		return all
	}
	for name, attributes := range map[string]map[string]string{
		"names that no queue takes":    event("cloudEvents:"),
		"names of AMQP":                event("cloudEvents_"),
		"names of HTTP":                event("CE-"),
		"more than the queue takes":    event("ce-", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "z1"),
		"one that the queue never has": event("ce-", "not a name"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, runtime.RetryPolicy{}, attributed(attributes))
				var runs []runtime.TaskID
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					runs = append(runs, task.ID)
					if task.Attempt != len(runs) || task.Args.Name != "n" {
						t.Errorf("attempt %d with %+v; want %d with n", task.Attempt, task.Args, len(runs))
					}
					if len(runs) == 3 {
						return nil
					}
					return errBoom
				})
				b.queue.Send(t.Context(), []driver.Message{{Body: []byte(`{"name":"n"}`)}})
				stop := b.start(runtime.WorkerOptions{})
				time.Sleep(time.Hour)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if len(runs) != 3 || runs[0] != "event-1" || runs[2] != "event-1" {
					t.Errorf("runs of %q; want three of event-1", runs)
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

// Where they cannot be sent the message itself stays, and dies whole.
func TestABinaryEventThatCannotBeCopiedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", 40<<10)
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 3}, attributed(map[string]string{
			"ce-specversion": "1.0", "ce-id": "event-1", "ce-type": "job", "ce-source": "/elsewhere", "ce-subject": long,
		}))
		if c := b.queue.Capabilities(); len(long) <= c.MaxAttributeValue {
			t.Fatalf("the queue takes values of %d bytes", c.MaxAttributeValue)
		}
		runs := 0
		b.handle(func(context.Context, *runtime.Task[job]) error { runs++; return errBoom })
		b.queue.Send(t.Context(), []driver.Message{{Body: []byte(`{"name":"n"}`)}})
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		dead, err := b.queue.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 2})
		if err != nil || len(dead) != 1 || runs != 3 {
			t.Fatalf("%d runs, %d dead letters, %v; want 3 runs and one", runs, len(dead), err)
		}
		if m := dead[0].Message(); m.Death.Reason != driver.ReasonExhausted || m.Carry.Attempts != 0 {
			t.Errorf("died of %q, a copy after %d attempts; want the message itself, exhausted", m.Death.Reason, m.Carry.Attempts)
		}
	})
}

// An event in structured mode may have its attributes beside it.
func TestAStructuredEventIsReadAsOne(t *testing.T) {
	const body = `{"specversion":"1.0","id":"event-1","type":"job","source":"/elsewhere","data":{"name":"inner"},"name":"outer"}`
	beside := map[string]string{"ce-specversion": "1.0", "ce-id": "event-1", "ce-type": "job", "ce-source": "/elsewhere"}
	for contentType, want := range map[string]string{
		"": "inner", "application/cloudevents+json; charset=utf-8": "inner", "Application/CloudEvents+JSON": "inner", "application/json": "outer",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil, runtime.RetryPolicy{}, nil)
			var got string
			b.handle(func(_ context.Context, task *runtime.Task[job]) error { got = task.Args.Name; return nil })
			attributes := maps.Clone(beside)
			if contentType != "" {
				attributes["content-type"] = contentType
			}
			if r := b.queue.Send(t.Context(), []driver.Message{{Body: []byte(body), Attributes: attributes}}); r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
			stop := b.start(runtime.WorkerOptions{})
			synctest.Wait()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("with content type %q the name is %q; want %q", contentType, got, want)
			}
		})
	}
}

func TestATaskThatWouldBeReadAsAnotherEventIsRefused(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	for _, name := range []string{"ce-specversion", "CE_SpecVersion", "cloudEvents_specversion"} {
		if _, err := runtime.Enqueue(t.Context(), b.client, job{"a"}, runtime.Attribute(name, "1.0")); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%s: %v; want InvalidArgument", name, err)
		}
	}
	if _, err := runtime.Enqueue(t.Context(), b.client, job{"a"}, runtime.Attribute("ce-other", "1.0")); err != nil {
		t.Error(err)
	}
	b.stats(1, 0, 0)
}

// What Enqueue takes a worker reads.
func TestDeepArgumentsRunOrAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		var ran atomic.Int32
		taken := int32(0)
		b.mux.HandleRaw("job", func(context.Context, *runtime.Info) error { ran.Add(1); return nil })
		for depth := 990; depth < 1010; depth++ {
			_, err := runtime.EnqueueRaw(t.Context(), b.client, runtime.Raw{Kind: "job", Data: []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))})
			switch {
			case err == nil:
				taken++
			case !driver.Is(err, driver.InvalidArgument):
				t.Errorf("depth %d: %v; want InvalidArgument", depth, err)
			}
		}
		stop := b.start(runtime.WorkerOptions{})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if ran.Load() != taken || taken != 11 {
			t.Errorf("%d were taken and %d ran; want 11, up to a depth of 1,000", taken, ran.Load())
		}
	})
}

// The last try may be the one whose answer is lost.
func TestALostAnswerAtTheEndDoesNotSayThatNothingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &driver.Error{Code: driver.Throttled, Op: "test", Err: errors.New("too many")}
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Send, Times: 1, Fault: faultqueue.FailBefore(busy)},
			faultqueue.Rule{Op: faultqueue.Send, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
				next(ctx, c)
				<-ctx.Done()
				c.Fail(driver.ContextError(ctx, "test"))
			}}))
		_, err := runtime.Enqueue(t.Context(), b.client, job{Name: "a"})
		if !driver.OutcomeUnknown(err) || !strings.Contains(err.Error(), "all the same") {
			t.Errorf("%v; want that it may have been sent", err)
		}
		b.stats(1, 0, 0)
	})
}
