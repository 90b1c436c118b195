package pubsubfake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// noRetry lets a client try once: else it hides faults.
var noRetry = gax.WithRetry(func() gax.Retryer { return nil })

func (e *env) tryPublish(topic string) error {
	_, err := e.topics.Publish(e.Context(), &pubsubpb.PublishRequest{
		Topic: topicName(topic), Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}},
	}, noRetry)
	return err
}

func (e *env) wantCount(sub string, want pubsubfake.Count) {
	e.Helper()
	if got := e.server.Count(subName(sub)); got != want {
		e.Errorf("counts of %s are %+v, want %+v", sub, got, want)
	}
}

func TestFaultErrors(t *testing.T) {
	reasons := map[codes.Code]string{
		codes.ResourceExhausted: "RATE_LIMIT_EXCEEDED", codes.PermissionDenied: "IAM_PERMISSION_DENIED",
		codes.Unauthenticated: "ACCESS_TOKEN_EXPIRED", codes.Unavailable: "", codes.Internal: "", codes.Aborted: "", codes.DeadlineExceeded: "",
	}
	for code, reason := range reasons {
		t.Run(code.String(), func(t *testing.T) {
			bubble(t, func(e *env) {
				e.queue("orders")
				e.server.Fault(pubsubfake.Fault{Op: "Publish", Resource: "orders", Count: 2, Code: code})
				for range 2 {
					err := e.tryPublish("orders")
					e.wantCode(err, code)
					if api, ok := apierror.FromError(err); !ok || api.Reason() != reason {
						t.Errorf("got error %v, want the reason %q", err, reason)
					}
				}
				e.must(e.tryPublish("orders")) // the count is used up
				e.wantCount("orders", pubsubfake.Count{Ready: 1})
			})
		})
	}
}

func TestFaultOfNothingElseIsAnInternalError(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		disarm := e.server.Fault(pubsubfake.Fault{Op: "Publish", Message: "no"})
		for range 2 {
			err := e.tryPublish("orders")
			e.wantCode(err, codes.Internal)
			if !mentions(err, "no") {
				t.Errorf("got error %v, want its message", err)
			}
		}
		disarm()
		e.must(e.tryPublish("orders"))
	})
}

func TestFaultStrikesOneResourceOnly(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.queue("others")
		e.server.Fault(pubsubfake.Fault{Resource: "orders", Code: codes.FailedPrecondition})
		e.must(e.tryPublish("others"))
		e.wantPull("others", "x")
		e.wantCode(e.tryPublish("orders"), codes.FailedPrecondition)
		_, err := e.tryPull("orders", 1, 0)
		e.wantCode(err, codes.FailedPrecondition)
		_, err = e.subs.GetSubscription(e.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subName("orders")})
		e.wantCode(err, codes.FailedPrecondition)
		_, err = e.subs.UpdateSubscription(e.Context(), &pubsubpb.UpdateSubscriptionRequest{Subscription: &pubsubpb.Subscription{Name: subName("orders")}})
		e.wantCode(err, codes.FailedPrecondition)
		_, err = e.topics.UpdateTopic(e.Context(), &pubsubpb.UpdateTopicRequest{Topic: &pubsubpb.Topic{Name: topicName("orders")}})
		e.wantCode(err, codes.FailedPrecondition)
		_, err = e.subs.CreateSubscription(e.Context(), &pubsubpb.Subscription{Name: subName("orders"), Topic: topicName("others")})
		e.wantCode(err, codes.FailedPrecondition)
		_, err = e.topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: topicName("orders")})
		e.wantCode(err, codes.FailedPrecondition)
	})
}

func TestFaultAfterTheEffect(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.server.Fault(pubsubfake.Fault{Op: "Publish", Count: 1, Code: codes.Unavailable, AfterEffect: true})
		e.wantCode(e.tryPublish("orders"), codes.Unavailable)
		e.wantCount("orders", pubsubfake.Count{Ready: 1})
		e.server.Fault(pubsubfake.Fault{Op: "Pull", Count: 1, Code: codes.Canceled, AfterEffect: true})
		_, err := e.tryPull("orders", 1, 0)
		e.wantCode(err, codes.Canceled)
		e.wantCount("orders", pubsubfake.Count{Leased: 1}) // a message that nobody has
	})
}

func TestFaultCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		bubble(t, func(e *env) {
			e.queue("orders")
			e.server.Fault(pubsubfake.Fault{Op: "Publish", Count: 1, Cut: true, AfterEffect: after})
			e.wantCode(e.tryPublish("orders"), codes.Unavailable)
			want := pubsubfake.Count{}
			if after {
				want.Ready = 1
			}
			e.wantCount("orders", want)
			time.Sleep(time.Second) // of backoff, then the client connects anew
			e.must(e.tryPublish("orders"))
		})
	}
}

func TestFaultDelay(t *testing.T) {
	for _, after := range []bool{false, true} {
		bubble(t, func(e *env) {
			e.queue("orders")
			e.server.Fault(pubsubfake.Fault{Op: "Publish", Count: 1, Delay: 30 * time.Second, AfterEffect: after})
			done := make(chan error)
			go func() { done <- e.tryPublish("orders") }()
			start := time.Now()
			synctest.Wait()
			if n := e.server.Count(subName("orders")).Ready; (n == 1) != after {
				t.Errorf("after effect %v: %d messages are there while the publish waits", after, n)
			}
			e.must(<-done)
			if d := time.Since(start); d != 30*time.Second {
				t.Errorf("the publish took %v, want 30s", d)
			}
		})
	}
}

func TestFaultStale(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.subscription("once", "orders", exactlyOnce)
		e.publish("orders", "1", "2")
		ms, once := e.wantPull("orders", "1", "2"), e.wantPull("once", "1", "2")
		e.server.Fault(pubsubfake.Fault{Stale: true, Count: 3, Items: func(i int) bool { return i == 1 }})
		e.must(e.ack("orders", ms...))
		e.wantCount("orders", pubsubfake.Count{Leased: 1})
		for _, err := range []error{e.modack("once", 30, once...), e.ack("once", once...)} {
			e.wantFailures(err, map[string]string{once[1].GetAckId(): pubsubfake.InvalidAckID})
		}
		e.wantCount("once", pubsubfake.Count{Leased: 1})
		e.must(e.ack("once", once[1])) // the count is used up
	})
}

func TestFaultTransient(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.subscription("once", "orders", exactlyOnce)
		e.publish("orders", "1", "2")
		ms, once := e.wantPull("orders", "1", "2"), e.wantPull("once", "1", "2")
		e.server.Fault(pubsubfake.Fault{Transient: true, Count: 2, Items: func(i int) bool { return i == 0 }})
		e.must(e.ack("orders", ms...)) // it has no such failures
		e.wantFailures(e.ack("once", once...), map[string]string{once[0].GetAckId(): pubsubfake.TransientFailure})
		e.must(e.ack("once", once[0]))
		e.wantCount("once", pubsubfake.Count{})
	})
}

func (e *env) wantFailures(err error, want map[string]string) {
	e.Helper()
	e.wantCode(err, codes.InvalidArgument)
	api, ok := apierror.FromError(err)
	if !ok || api.Reason() != "EXACTLY_ONCE_ACKID_FAILURE" || len(api.Metadata()) != len(want) {
		e.Fatalf("got error %v with %v, want %v", err, api.Metadata(), want)
	}
	for id, reason := range want {
		if got := api.Metadata()[id]; got != reason {
			e.Errorf("the error says %q of an ack id, want %q", got, reason)
		}
	}
}
