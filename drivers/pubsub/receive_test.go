package pubsub_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestAnIdleReceiveIsOnePullAtATime(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		for wait, most := range map[time.Duration]int{0: 1, 50 * time.Millisecond: 1, time.Second: 1, 20 * time.Second: 1, 50 * time.Second: 3} {
			before, start := e.server.Requests(), time.Now()
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: wait})
			if err != nil || len(got) > 0 || time.Since(start) != wait {
				e.Errorf("wait %v: %d leases, %v after %v", wait, len(got), err, time.Since(start))
			}
			if n := e.since(before, "Pull"); n > most {
				e.Errorf("wait %v: %d pulls; want at most %d", wait, n, most)
			}
		}
	})
}

// The service may let an empty Pull run into its deadline.
func TestAPullThatEndsByItsDeadlineIsEmpty(t *testing.T) {
	on(t, &pubsubfake.Options{PullMargin: -1}, pubsub.Options{}, func(e *env) {
		for _, wait := range []time.Duration{50 * time.Millisecond, 5 * time.Second, 30 * time.Second} {
			start := time.Now()
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: wait})
			if err != nil || len(got) > 0 || time.Since(start) < wait || time.Since(start) > wait+time.Second {
				e.Errorf("wait %v: %d leases, %v after %v", wait, len(got), err, time.Since(start))
			}
		}
	})
}

// An empty answer may come early, and is not an empty queue.
func TestAnEarlyEmptyAnswerIsAskedAgainWithoutSpinning(t *testing.T) {
	on(t, &pubsubfake.Options{PullMargin: time.Hour}, pubsub.Options{}, func(e *env) {
		before, start := e.server.Requests(), time.Now()
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: 20 * time.Second})
		if err != nil || len(got) > 0 || time.Since(start) != 20*time.Second {
			e.Errorf("%d leases, %v after %v; want none after 20s", len(got), err, time.Since(start))
		}
		if n := e.since(before, "Pull"); n < 20 || n > 30 {
			e.Errorf("%d pulls in 20s; want about one a second", n)
		}
		var late sync.WaitGroup
		late.Go(func() {
			e.sleep(10 * time.Second)
			e.send(message(1))
		})
		start = time.Now()
		got, err = e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: 20 * time.Second})
		if err != nil || len(got) != 1 || time.Since(start) > 11*time.Second {
			e.Errorf("%d leases, %v after %v; want one within a second of its send", len(got), err, time.Since(start))
		}
		late.Wait()
	})
}

// The server goes on with a Pull whose caller has gone, and leases to it.
func TestACancelledReceiveStrandsNothing(t *testing.T) {
	for _, hold := range []time.Duration{0, 5 * time.Minute} {
		on(t, &pubsubfake.Options{Linger: true}, pubsub.Options{}, func(e *env) {
			ctx, cancel := context.WithCancel(e.Context())
			var waiting sync.WaitGroup
			waiting.Go(func() {
				_, err := e.queue.Receive(ctx, driver.ReceiveOptions{Max: 10, Wait: 15 * time.Second, Hold: hold})
				e.code("a cancelled receive", err, driver.Canceled)
			})
			e.sleep(time.Second)
			cancel()
			waiting.Wait()
			if n := e.server.InFlight()["Pull"]; n != 1 {
				e.Fatalf("%d pulls in flight; want the one that was left behind", n)
			}
			e.send(messages(3)...)
			e.sleep(100 * time.Millisecond)
			if n := e.server.InFlight()["Pull"]; n != 0 {
				e.Errorf("%d pulls in flight; want that one to have got the messages", n)
			}
			e.lease(e.queue, 3)
		})
	}
}

func TestCloseWaitsForAPullThatWasLeftBehind(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		ctx, cancel := context.WithCancel(e.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := e.queue.Receive(ctx, driver.ReceiveOptions{Max: 10, Wait: time.Hour})
		e.code("a receive that is cancelled", err, driver.Canceled)
		short, cancel := context.WithTimeout(e.Context(), time.Second)
		defer cancel()
		e.code("a close that is hasty", e.queue.Close(short), driver.DeadlineExceeded)
		start := time.Now()
		e.must(e.queue.Close(e.Context()))
		if n, took := e.server.InFlight()["Pull"], time.Since(start); n != 0 || took > 20*time.Second {
			e.Errorf("closed after %v with %d pulls in flight", took, n)
		}
	})
}

// A caller that says when it stops leaves no Pull behind, which would take from the next.
func TestAPullEndsWithTheDeadlineOfItsContext(t *testing.T) {
	on(t, &pubsubfake.Options{Linger: true}, pubsub.Options{}, func(e *env) {
		for range 10 {
			ctx, cancel := context.WithTimeout(e.Context(), 2*time.Second)
			start := time.Now()
			got, err := e.queue.Receive(ctx, driver.ReceiveOptions{Max: 10, Wait: time.Hour})
			e.code("receive", err, driver.DeadlineExceeded)
			if took := time.Since(start); len(got) > 0 || took != 2*time.Second {
				e.Errorf("%d leases after %v", len(got), took)
			}
			cancel()
			if n := e.server.InFlight()["Pull"]; n > 1 {
				e.Fatalf("%d pulls in flight", n)
			}
		}
		e.sleep(time.Millisecond)
		if n := e.server.InFlight()["Pull"]; n != 0 {
			e.Errorf("%d pulls are left behind", n)
		}
		e.send(message(1))
		if l := e.lease(e.queue, 1)[0]; l.Attempt() != 1 {
			e.Errorf("attempt %d; want that nothing took the message before", l.Attempt())
		}
	})
}

func TestAHoldOfAnotherLengthIsSetAfterThePull(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(10)...)
		before := e.server.Requests()
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Hold: 10 * time.Minute})
		e.must(err)
		if n := e.since(before, "ModifyAckDeadline"); len(got) != 10 || n != 1 {
			e.Fatalf("%d leases with %d changes; want 10 with 1", len(got), n)
		}
		if d := got[0].Expires().Sub(got[0].Received()); d != 10*time.Minute {
			e.Errorf("the lease ends after %v; want 10m", d)
		}
		e.sleep(599 * time.Second)
		e.none("leased for ten minutes", e.queue)
		e.sleep(time.Second)
		e.lease(e.queue, 10)

		before = e.server.Requests()
		e.send(message(11))
		_, err = e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Hold: conformanceHold})
		e.must(err)
		if n := e.since(before, "ModifyAckDeadline"); n != 0 {
			e.Errorf("%d changes to the hold that the subscription has; want none", n)
		}
	})
}

func TestAHoldThatCannotBeSetIsToldAsItIs(t *testing.T) {
	margin := 4 * time.Second
	for _, tt := range []struct {
		fault pubsubfake.Fault
		hold  time.Duration
		want  time.Duration
	}{
		{pubsubfake.Fault{Code: codes.PermissionDenied}, 10 * time.Minute, conformanceHold - margin},
		{pubsubfake.Fault{Code: codes.PermissionDenied}, 10 * time.Second, conformanceHold - margin},
		// It may have been set, or not.
		{pubsubfake.Fault{Code: codes.Unavailable}, 10 * time.Minute, conformanceHold - margin},
		{pubsubfake.Fault{Code: codes.Unavailable}, 10 * time.Second, 10 * time.Second},
		{pubsubfake.Fault{Code: codes.Unavailable, AfterEffect: true}, 10 * time.Second, 10 * time.Second},
	} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			e.send(message(1))
			tt.fault.Op, tt.fault.Count = "ModifyAckDeadline", 1
			e.server.Fault(tt.fault)
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Hold: tt.hold})
			if err != nil || len(got) != 1 {
				e.Fatalf("%d leases, %v; want the message all the same", len(got), err)
			}
			if d := got[0].Expires().Sub(got[0].Received()); d != tt.want {
				e.Errorf("%v with a hold of %v: the lease ends after %v; want %v", tt.fault.Code, tt.hold, d, tt.want)
			}
		})
	}
}

func TestWithoutPermissionToReadTheHoldIsDeclaredOrGiven(t *testing.T) {
	denied := pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied}
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.server.Fault(denied)
		e.send(messages(2)...)
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("neither", err, driver.PermissionDenied, "hold=", "pubsub.subscriptions.get")
		before := e.server.Requests()
		for range 2 {
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: time.Minute})
			if err != nil || len(got) != 1 || got[0].Expires().Sub(got[0].Received()) != time.Minute {
				e.Errorf("given: %d leases, %v", len(got), err)
			}
		}
		if n := e.since(before, "GetSubscription"); n != 0 {
			e.Errorf("it was asked %d times more; want that it remembers for a minute", n)
		}
	})
	on(t, nil, pubsub.Options{Hold: 30 * time.Second}, func(e *env) {
		e.server.Fault(denied)
		e.send(message(1))
		l := e.lease(e.queue, 1)[0] // the declaration is made true
		if d := l.Expires().Sub(l.Received()); d != 30*time.Second {
			e.Errorf("declared: the lease ends after %v; want 30s", d)
		}
		e.sleep(30 * time.Second)
		e.lease(e.queue, 1)
	})
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.server.Fault(denied)
		e.send(message(1))
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Code: codes.Unavailable})
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: time.Minute})
		e.must(err)
		if d := got[0].Expires().Sub(got[0].Received()); d != 9*time.Second {
			e.Errorf("unknown and not set: the lease ends after %v; want 9s, of the shortest that there is", d)
		}
	})
}

func TestAChangeOfTheAckDeadlineIsNoticed(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(message(1))
		e.lease(e.queue, 1)
		e.change(subscription, func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 10 }, "ack_deadline_seconds")
		e.sleep(time.Minute)
		l := e.lease(e.queue, 1)[0]
		if d := l.Expires().Sub(l.Received()); d != 9*time.Second {
			e.Errorf("a minute after the change the lease ends after %v; want 9s", d)
		}
		// It cannot be read for a while: what was read is good enough.
		e.sleep(2 * time.Minute)
		e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.Unavailable, Count: 1})
		e.lease(e.queue, 1)
	})
}

func TestMissingThings(t *testing.T) {
	on(t, nil, pubsub.Options{Subscription: "missing", DeadTopic: "missing-too", DeadSubscription: "missing-three"}, func(e *env) {
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("receive", err, driver.NotFound, `subscription "projects/test/subscriptions/missing" does not exist`)
		_, err = e.queue.Policy(e.Context())
		e.code("policy", err, driver.NotFound, `"projects/test/subscriptions/missing"`)
		_, err = e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("dead letter", err, driver.NotFound, `"projects/test/subscriptions/missing-three"`)
	})
	on(t, nil, pubsub.Options{Topic: "missing", DeadTopic: "missing-too", DeadSubscription: "missing-three"}, func(e *env) {
		e.code("send", e.queue.Send(e.Context(), messages(1))[0].Err, driver.NotFound, `topic "projects/test/topics/missing" does not exist`)
		e.publish(&pubsubpb.PubsubMessage{Data: []byte("x")})
		l := e.lease(e.queue, 1)[0]
		bury := driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}
		e.code("bury", e.settle(e.queue, bury), driver.NotFound, "missing-three")
		e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied})
		e.code("bury", e.settle(e.queue, bury), driver.NotFound, "missing-too")
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
	})
}

func TestWhatIsNotAllowedNamesTheRole(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(2)...)
		ls := e.lease(e.queue, 2)
		e.server.Fault(pubsubfake.Fault{Code: codes.PermissionDenied})
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("receive", err, driver.PermissionDenied, "roles/pubsub.subscriber", subscription)
		e.code("send", e.queue.Send(e.Context(), messages(1))[0].Err, driver.PermissionDenied, "roles/pubsub.publisher", topic)
		e.code("extend", e.queue.Extend(e.Context(), ls[:1], 0)[0].Err, driver.PermissionDenied, "roles/pubsub.subscriber")
		e.code("ack", e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Ack}), driver.PermissionDenied, "roles/pubsub.subscriber")
		e.code("bury", e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Bury, Reason: "test"}), driver.PermissionDenied,
			"roles/pubsub.publisher", deadTopic)
		_, err = e.queue.Policy(e.Context())
		e.code("policy", err, driver.PermissionDenied, "roles/pubsub.viewer", subscription)
	})
}

func TestADetachedSubscription(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		_, err := e.clients.Topics.DetachSubscription(e.Context(), &pubsubpb.DetachSubscriptionRequest{Subscription: subscription})
		e.must(err)
		_, err = e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("receive", err, driver.InvalidArgument, "detached", subscription)
		_, err = e.queue.Policy(e.Context())
		e.code("policy", err, driver.InvalidArgument, "detached", subscription)
	})
}

func TestTheEndpointGoesDownAndComesBack(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(2)...)
		ls := e.lease(e.queue, 2)
		disarm := e.server.Fault(pubsubfake.Fault{Cut: true})
		start := time.Now()
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Minute})
		e.code("receive", err, driver.Unavailable)
		e.code("send", e.queue.Send(e.Context(), messages(1))[0].Err, driver.Unavailable)
		e.code("extend", e.queue.Extend(e.Context(), ls[:1], 0)[0].Err, driver.Unavailable)
		e.code("ack", e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Ack}), driver.Unavailable)
		if took := time.Since(start); took > 10*time.Second {
			e.Errorf("it took %v to notice", took)
		}
		disarm()
		e.sleep(5 * time.Second)
		e.must(e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Ack}))
		e.must(e.queue.Extend(e.Context(), ls[1:], 0)[0].Err)
	})
}

// Every request has a time-out of its own, and is made once.
func TestAnEndpointThatDoesNotAnswer(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(2)...)
		ls := e.lease(e.queue, 2)
		e.server.Fault(pubsubfake.Fault{Delay: time.Hour})
		for _, call := range []struct {
			what  string
			f     func() error
			limit time.Duration
		}{
			{"extend", func() error { return e.queue.Extend(e.Context(), ls[:1], 0)[0].Err }, 5 * time.Second}, // while the lease lasts
			{"receive at once", func() error {
				_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
				return err
			}, 15 * time.Second},
			{"send", func() error { return e.queue.Send(e.Context(), messages(1))[0].Err }, 15 * time.Second},
			{"policy", func() error { _, err := e.queue.Policy(e.Context()); return err }, 15 * time.Second},
		} {
			start := time.Now()
			e.code(call.what, call.f(), driver.Unavailable, "in time")
			if took := time.Since(start); took != call.limit {
				e.Errorf("%s: gave up after %v; want %v", call.what, took, call.limit)
			}
		}
	})
}

func TestRequestsAreMadeOnce(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(2)...)
		ls := e.lease(e.queue, 2)
		for _, code := range []codes.Code{codes.Unavailable, codes.Internal, codes.Aborted, codes.Unknown, codes.ResourceExhausted} {
			disarm := e.server.Fault(pubsubfake.Fault{Code: code})
			before := e.server.Requests()
			_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Second})
			e.mustFail("receive", err)
			e.mustFail("send", e.queue.Send(e.Context(), messages(1))[0].Err)
			e.mustFail("extend", e.queue.Extend(e.Context(), ls[:1], 0)[0].Err)
			e.mustFail("ack", e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Ack}))
			for _, op := range []string{"Pull", "Publish", "ModifyAckDeadline", "Acknowledge"} {
				if n := e.since(before, op); n != 1 {
					e.Errorf("%v: %d requests of %s; want 1", code, n, op)
				}
			}
			disarm()
		}
	})
}

// mustFail fails the test for the lack of an error.
func (e *env) mustFail(what string, err error) {
	e.Helper()
	if err == nil {
		e.Fatalf("%s: no error", what)
	}
}
