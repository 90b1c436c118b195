package pubsubfake_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestPullIsWokenByPublish(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		start := time.Now()
		got := e.poll("orders", 20*time.Second)
		time.Sleep(7 * time.Second)
		e.publish("orders", "hello")
		ms := <-got
		if len(ms) != 1 || string(ms[0].GetMessage().GetData()) != "hello" || ms[0].GetDeliveryAttempt() != 0 {
			t.Fatalf("pulled %v, want hello, without an attempt", ms)
		}
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("the Pull took %v, want 7s", d)
		}
		e.must(e.ack("orders", ms...))
		time.Sleep(time.Minute)
		e.wantPull("orders")
	})
}

func TestEmptyPullIsAnsweredBeforeItsDeadline(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		for _, wait := range []time.Duration{20 * time.Second, 199 * time.Second, 0} {
			start := time.Now()
			if ms := e.pull("orders", wait); len(ms) != 0 {
				t.Fatalf("pulled %v", bodies(ms))
			}
			if d := time.Since(start); d != wait {
				t.Errorf("the Pull took %v, want %v", d, wait)
			}
		}
	})
}

func TestEmptyPullMayEndWithItsDeadline(t *testing.T) {
	bubbleWith(t, &pubsubfake.Options{PullMargin: -1}, func(e *env) {
		e.queue("orders")
		start := time.Now()
		_, err := e.tryPull("orders", 1, 4*time.Second)
		e.wantCode(err, codes.DeadlineExceeded)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the Pull took %v, want 5s", d)
		}
		synctest.Wait()
		e.publish("orders", "x")
		e.wantPull("orders", "x")
	})
}

func TestLeaseEndsAndIsExtended(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", hold(30))
		e.publish("orders", "x")
		m := e.one("orders", 0)
		start := time.Now()
		for range 60 {
			time.Sleep(20 * time.Second)
			e.must(e.modack("orders", 30, m))
		}
		again := e.one("orders", time.Hour)
		if d := time.Since(start); d != 20*time.Minute+30*time.Second {
			t.Errorf("the message came back after %v, want 20m30s", d)
		}
		if again.GetAckId() == m.GetAckId() || again.GetMessage().GetMessageId() != m.GetMessage().GetMessageId() {
			t.Error("want a new ack id and the same message id")
		}
		e.must(e.modack("orders", 0, again))
		e.wantPull("orders", "x")
	})
}

func TestCancelledPullLeasesNothing(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		ctx, cancel := context.WithCancel(e.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, err := e.subs.Pull(ctx, &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 1})
		e.wantCode(err, codes.Canceled)
		synctest.Wait()
		e.publish("orders", "x")
		e.wantPull("orders", "x")
	})
}

func TestCancelledPullMayLingerAndStrandMessages(t *testing.T) {
	bubbleWith(t, &pubsubfake.Options{Linger: true}, func(e *env) {
		e.queue("orders")
		ctx, cancel := context.WithCancel(e.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, err := e.subs.Pull(ctx, &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 1})
		e.wantCode(err, codes.Canceled)
		synctest.Wait()
		e.publish("orders", "x")
		start := time.Now()
		e.one("orders", time.Minute)
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the message came after %v, want the ack deadline of 10s", d)
		}
	})
}
