package pubsubfake_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func retry(least, most time.Duration) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) {
		c.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(least), MaximumBackoff: durationpb.New(most)}
	}
}

func retention(d time.Duration) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) { c.MessageRetentionDuration = durationpb.New(d) }
}

func idle(d time.Duration) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) {
		c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(d)}
	}
}

func TestBackoffDoubles(t *testing.T) {
	tests := []struct {
		least, most time.Duration
		want        string
	}{
		{10 * time.Second, time.Minute, "[10s 20s 40s 1m0s 1m0s]"},
		{0, 3 * time.Second, "[0s 1s 2s 3s 3s]"},
		{0, 0, "[0s 0s 0s 0s 0s]"},
	}
	for _, tt := range tests {
		bubble(t, func(e *env) {
			e.queue("orders", retry(tt.least, tt.most))
			e.publish("orders", "x")
			m := e.one("orders", 0)
			var took []time.Duration
			for range 5 {
				e.must(e.modack("orders", 0, m))
				start := time.Now()
				m = e.one("orders", time.Hour)
				took = append(took, time.Since(start))
			}
			if got := fmt.Sprint(took); got != tt.want {
				t.Errorf("from %v to %v: the message came after %s, want %s", tt.least, tt.most, got, tt.want)
			}
		})
	}
}

// A Pull that comes late must see a message as if the server had looked at the
// clock all the time.
func TestBackoffCountsFromTheEndOfTheLease(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", retry(20*time.Second, time.Minute))
		e.publish("orders", "x")
		e.one("orders", 0)
		time.Sleep(29 * time.Second)
		e.wantPull("orders")
		if n := e.server.Count(subName("orders")); n != (pubsubfake.Count{Delayed: 1}) {
			t.Errorf("counts are %+v, want one delayed", n)
		}
		time.Sleep(time.Second)
		e.wantPull("orders", "x")
	})
}

func TestRetentionEndsLeasesToo(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", retention(10*time.Minute), exactlyOnce, hold(600))
		e.publish("orders", "leased", "ready")
		ms, err := e.tryPull("orders", 1, 0)
		e.must(err)
		time.Sleep(9 * time.Minute)
		e.must(e.modack("orders", 600, ms...))
		time.Sleep(time.Minute - time.Millisecond)
		if n := e.server.Count(subName("orders")); n != (pubsubfake.Count{Ready: 1, Leased: 1}) {
			t.Errorf("before the end of retention counts are %+v, want both", n)
		}
		time.Sleep(time.Millisecond)
		e.wantPull("orders")
		e.wantCode(e.ack("orders", ms...), codes.InvalidArgument)
	})
}

func TestSubscriptionExpiresWithoutUse(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", idle(24*time.Hour))
		e.subscription("kept", "orders", func(c *pubsubpb.Subscription) { c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{} })
		e.subscription("month", "orders")
		for range 3 { // a Pull is use
			time.Sleep(23 * time.Hour)
			e.wantPull("orders")
		}
		time.Sleep(24 * time.Hour)
		_, err := e.tryPull("orders", 1, 0)
		e.wantCode(err, codes.NotFound)
		e.subscription("orders", "orders")
		time.Sleep(27*24*time.Hour + 4*time.Hour)
		it := e.topics.ListTopicSubscriptions(e.Context(), &pubsubpb.ListTopicSubscriptionsRequest{Topic: topicName("orders")})
		var got []string
		for name, err := range it.All() {
			e.must(err)
			got = append(got, name)
		}
		if want := fmt.Sprint([]string{subName("kept"), subName("orders")}); fmt.Sprint(got) != want {
			t.Errorf("subscriptions are %q, want %q", got, want)
		}
	})
}

func TestDeadLetterAfterTheLastLeaseEndsWakesItsPull(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("dead")
		e.queue("orders", withDead("dead", 5), retry(time.Minute, time.Minute))
		e.publishKey("orders", "key", "poison")
		for i := range int32(5) {
			if m := e.one("orders", time.Hour); m.GetDeliveryAttempt() != i+1 {
				t.Errorf("attempt %d, want %d", m.GetDeliveryAttempt(), i+1)
			}
		}
		start := time.Now()
		d := e.one("dead", time.Hour).GetMessage()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the dead letter came after %v, want the ack deadline of 10s", took)
		}
		if d.GetOrderingKey() != "key" || d.GetAttributes()["CloudPubSubDeadLetterSourceDeliveryCount"] != "5" {
			t.Errorf("the dead letter is %v", d)
		}
	})
}

// Whatever brings a message to a subscription must wake its Pulls.
func TestWhatWakesAPull(t *testing.T) {
	const at = 3 * time.Second
	tests := []struct {
		name   string
		change []func(*pubsubpb.Subscription)
		before func(e *env) *pubsubpb.ReceivedMessage // then a Pull begins
		after  func(e *env, m *pubsubpb.ReceivedMessage)
	}{
		{"end of an ack deadline", nil, func(e *env) *pubsubpb.ReceivedMessage {
			e.publish("orders", "x")
			m := e.one("orders", 0)
			e.must(e.modack("orders", 3, m))
			return m
		}, nil},
		{"end of a backoff", []func(*pubsubpb.Subscription){retry(at, at)}, func(e *env) *pubsubpb.ReceivedMessage {
			e.publish("orders", "x")
			m := e.one("orders", 0)
			e.must(e.modack("orders", 0, m))
			return m
		}, nil},
		{"ack of the message before", []func(*pubsubpb.Subscription){ordered}, func(e *env) *pubsubpb.ReceivedMessage {
			e.publishKey("orders", "k", "1")
			m := e.one("orders", 0)
			e.publishKey("orders", "k", "x")
			return m
		}, func(e *env, m *pubsubpb.ReceivedMessage) {
			time.Sleep(at)
			e.must(e.ack("orders", m))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(e *env) {
				e.queue("orders", tt.change...)
				m := tt.before(e)
				start := time.Now()
				poll := e.poll("orders", time.Minute)
				synctest.Wait()
				if tt.after != nil {
					tt.after(e, m)
				}
				if ms := <-poll; len(ms) != 1 || string(ms[0].GetMessage().GetData()) != "x" || time.Since(start) != at {
					t.Errorf("the Pull gave %q after %v, want x after %v", bodies(ms), time.Since(start), at)
				}
			})
		})
	}
}

func TestManyPullsShareMessages(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		const pulls = 20
		var got [pulls]<-chan []*pubsubpb.ReceivedMessage
		for i := range got {
			got[i] = e.poll("orders", time.Minute)
		}
		synctest.Wait()
		start := time.Now()
		for range pulls {
			e.publish("orders", "x")
		}
		for _, ms := range got {
			if n := len(<-ms); n != 1 {
				t.Errorf("a Pull got %d messages, want 1", n)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v, want no time", d)
		}
	})
}

func TestPullWithoutADeadlineEnds(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		client := pubsubpb.NewSubscriberClient(e.server.Dial()) // the generated client sets one
		start := time.Now()
		out, err := client.Pull(context.WithoutCancel(e.Context()), &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 1})
		e.must(err)
		if d := time.Since(start); len(out.GetReceivedMessages()) != 0 || d != 90*time.Second {
			t.Errorf("the Pull took %v, want 90s", d)
		}
	})
}

func TestPullMayReturnAtOnce(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		start := time.Now()
		_, err := e.subs.Pull(e.Context(), &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 1, ReturnImmediately: true}) //nolint:staticcheck // it is still served
		e.must(err)
		if d := time.Since(start); d != 0 {
			t.Errorf("the Pull took %v, want no time", d)
		}
	})
}

func TestPullGivesAtMostTenMegabytes(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		large := string(make([]byte, 6_000_000))
		e.publish("orders", large)
		e.publish("orders", large)
		for range 2 {
			if n := len(e.pull("orders", 0)); n != 1 {
				t.Errorf("pulled %d messages of 6 MB, want 1", n)
			}
		}
	})
}

func TestAPullThatWaitsIsUse(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders", idle(24*time.Hour))
		poll := e.poll("orders", 30*time.Hour)
		time.Sleep(25 * time.Hour)
		_, err := e.subs.ListSubscriptions(e.Context(), &pubsubpb.ListSubscriptionsRequest{Project: project}).Next()
		e.must(err) // it was looked at
		if ms := <-poll; len(ms) != 0 {
			t.Errorf("pulled %q", bodies(ms))
		}
		time.Sleep(23 * time.Hour)
		e.wantPull("orders")
	})
}

func TestALateNackIsNotCountedTwice(t *testing.T) {
	bubble(t, func(e *env) {
		e.topic("dead")
		e.queue("orders", withDead("dead", 5))
		e.publish("orders", "x")
		m := e.one("orders", 0)
		time.Sleep(11 * time.Second)
		e.must(e.modack("orders", 0, m))
		e.must(e.modack("orders", 0, m))
		if n := e.one("orders", 0).GetDeliveryAttempt(); n != 2 {
			t.Errorf("the attempt is %d, want 2", n)
		}
	})
}
