package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/runtime"
)

// pubsubServer is a Google Pub/Sub in this process, which commands find by the
// environment. It has a queue "orders".
type pubsubServer struct {
	topics        *apiv1.TopicAdminClient
	subscriptions *apiv1.SubscriptionAdminClient
}

const ordersOnPubSub = "pubsub://test/orders?hold=30s&max_deliveries=15"

func startPubSub(t *testing.T) *pubsubServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	server := pubsubfake.New(nil)
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Setenv("PUBSUB_EMULATOR_HOST", listener.Addr().String())
	var s pubsubServer
	if s.topics, err = apiv1.NewTopicAdminClient(t.Context(), server.ClientOptions()...); err != nil {
		t.Fatal(err)
	}
	if s.subscriptions, err = apiv1.NewSubscriptionAdminClient(t.Context(), server.ClientOptions()...); err != nil {
		t.Fatal(err)
	}
	s.create(t, "orders-dead", &pubsubpb.Subscription{MessageRetentionDuration: durationpb.New(14 * 24 * time.Hour)})
	s.create(t, "orders", &pubsubpb.Subscription{
		AckDeadlineSeconds: 30, DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: "projects/test/topics/orders-dead", MaxDeliveryAttempts: 15},
	})
	return &s
}

func (s *pubsubServer) create(t *testing.T, id string, sub *pubsubpb.Subscription) {
	t.Helper()
	sub.Name, sub.Topic, sub.ExpirationPolicy = "projects/test/subscriptions/"+id, "projects/test/topics/"+id, &pubsubpb.ExpirationPolicy{}
	if _, err := s.topics.CreateTopic(t.Context(), &pubsubpb.Topic{Name: sub.Topic}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.subscriptions.CreateSubscription(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
}

// The way of an operator, as on the other backends.
func TestCommandsOnPubSub(t *testing.T) {
	startPubSub(t)
	const queue = "--queue=" + ordersOnPubSub
	if e := here(t, "", "doctor", queue); e.code != 0 {
		t.Errorf("doctor: exit code %d\n%s%s", e.code, e.out, e.err)
	}
	if e := here(t, "fine\npoison\nalso fine\n", "send", queue, "--kind=order", "--content-type=text/plain", "--lines"); e.code != 0 {
		t.Fatalf("send: exit code %d\n%s", e.code, e.err)
	}
	// A backoff is at least a second here, and the queue cannot say what is in it.
	work := []string{"work", queue, "--until-empty=4s", "--grace=1s", "--backoff=0s", "--max-attempts=5", "--json"}
	e := here(t, "", append(work, "--exec", `! grep poison`)...)
	if end := e.lastEvent(t); e.code != 1 || end.Succeeded != 2 || end.Dead != 1 || end.Attempts != 7 {
		t.Errorf("work: exit code %d, %+v\n%s%s", e.code, end, e.out, e.err)
	}

	e = here(t, "", "dlq", "list", queue, "--json")
	var dead listing
	if err := json.Unmarshal([]byte(e.out), &dead); err != nil || e.code != 0 || len(dead.Letters) != 1 {
		t.Fatalf("dlq list: exit code %d (%v)\n%s%s", e.code, err, e.out, e.err)
	}
	if l := dead.Letters[0]; l.Kind != "order" || l.Reason != driver.ReasonExhausted || l.Attempts != 5 || l.ID == "" {
		t.Errorf("dlq list: %+v", l)
	}
	e = here(t, "", "dlq", "redrive", queue, "--kind=order", "--json")
	if r := redrivenBy(t, &e); e.code != 0 || r.Moved != 1 || !r.Complete {
		t.Errorf("dlq redrive: exit code %d, %+v\n%s", e.code, r, e.err)
	}
	e = here(t, "", append(work, "--exec", "cat")...)
	if end := e.lastEvent(t); e.code != 0 || end.Succeeded != 1 {
		t.Errorf("work again: exit code %d, %+v\n%s", e.code, end, e.err)
	}
}

func TestDoctorOnPubSub(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, s *pubsubServer)
		code   int
		want   runtime.Setting
		says   string
	}{
		"ack deadline": {func(t *testing.T, s *pubsubServer) {
			s.update(t, &pubsubpb.Subscription{AckDeadlineSeconds: 60}, "ack_deadline_seconds")
		}, 1, runtime.SettingHold, "hold (ackDeadlineSeconds): the hold is declared as 30s and is 1m0s"},
		"retry policy": {func(t *testing.T, s *pubsubServer) {
			s.update(t, &pubsubpb.Subscription{RetryPolicy: &pubsubpb.RetryPolicy{}}, "retry_policy")
		}, 1, runtime.SettingRetryDelay, "retry-delay (retryPolicy): the broker adds 10s"},
		"another subscription": {func(t *testing.T, s *pubsubServer) {
			sub := &pubsubpb.Subscription{Name: "projects/test/subscriptions/audit", Topic: "projects/test/topics/orders"}
			if _, err := s.subscriptions.CreateSubscription(t.Context(), sub); err != nil {
				t.Fatal(err)
			}
		}, 3, settingAlsoSentTo, "projects/test/subscriptions/audit"},
		"a subscription that expires": {func(t *testing.T, s *pubsubServer) {
			s.update(t, &pubsubpb.Subscription{ExpirationPolicy: &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(48 * time.Hour)}}, "expiration_policy")
		}, 3, settingIdleExpiry, "idle-expiry (expirationPolicy): the broker deletes the queue after 48h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			c.change(t, startPubSub(t))
			text := here(t, "", "doctor", "--queue="+ordersOnPubSub)
			e := here(t, "", "doctor", "--queue="+ordersOnPubSub, "--json")
			var d diagnosis
			if err := json.Unmarshal([]byte(e.out), &d); err != nil {
				t.Fatalf("%v\n%s%s", err, e.out, e.err)
			}
			if e.code != c.code || len(d.Findings) != 1 || d.Findings[0].Setting != c.want || !strings.Contains(text.out, c.says) {
				t.Errorf("exit code %d; want %d and %v that says %q:\n%s", e.code, c.code, c.want, c.says, text.out)
			}
		})
	}
}

func TestDoctorOnAPushedSubscription(t *testing.T) {
	retried := func(t *testing.T, s *pubsubServer) {
		s.update(t, &pubsubpb.Subscription{RetryPolicy: &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second)}}, "retry_policy")
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, s *pubsubServer)
		args   []string
		code   int
		want   runtime.Setting // empty: nothing is found
		says   string
	}{
		"a retry policy":    {change: retried},
		"no retry policy":   {func(*testing.T, *pubsubServer) {}, nil, 1, runtime.SettingRetryDelay, "retry-delay (retryPolicy): the subscription has no retry policy"},
		"a timeout":         {retried, []string{"--timeout=22s"}, 0, "", ""},
		"a longer timeout":  {retried, []string{"--timeout=30s"}, 1, runtime.SettingTimeout, "the timeout 30s of any kind is not below the"},
		"the attempt limit": {retried, []string{"--max-attempts=6"}, 1, runtime.SettingAttemptLimit, "15 is below 17"},
		"the hold of a worker": {retried, []string{"--config=" + writeConfig(t, "queues: {orders: {url: '"+ordersOnPubSub+"', hold: 1m}}")},
			0, "", ""},
		"another retry delay than is declared": {retried, []string{"--config=" + writeConfig(t, "queues: {orders: {url: '"+ordersOnPubSub+"', declared: {retry_delay: 20s}}}")},
			3, runtime.SettingRetryDelay, "the retry delay is declared as 20s and is 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			c.change(t, startPubSub(t))
			args := append([]string{"doctor", "--push"}, c.args...)
			if !strings.Contains(strings.Join(args, " "), "--config") {
				args = append(args, "--queue="+ordersOnPubSub)
			}
			text := here(t, "", args...)
			e := here(t, "", append(args, "--json")...)
			var d diagnosis
			if err := json.Unmarshal([]byte(e.out), &d); err != nil {
				t.Fatalf("%v\n%s%s", err, e.out, e.err)
			}
			var got runtime.Setting
			if len(d.Findings) > 0 {
				got = d.Findings[0].Setting
			}
			if e.code != c.code || len(d.Findings) > 1 || got != c.want || !strings.Contains(text.out, c.says) {
				t.Errorf("exit code %d; want %d and %q that says %q:\n%s", e.code, c.code, c.want, c.says, text.out)
			}
		})
	}
}

func (s *pubsubServer) update(t *testing.T, sub *pubsubpb.Subscription, path string) {
	t.Helper()
	sub.Name = "projects/test/subscriptions/orders"
	_, err := s.subscriptions.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
		Subscription: sub, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommandsOnAPubSubQueueThatIsMissing(t *testing.T) {
	startPubSub(t)
	for _, args := range [][]string{
		{"doctor"}, {"dlq", "list"}, {"dlq", "redrive"}, {"dlq", "redrive", "--native"}, {"stats"},
		{"send", "--kind=k", "1"}, {"work", "--exec=cat"},
	} {
		e := here(t, "", append(args, "--queue=pubsub://test/nowhere")...)
		if e.code != 2 || e.out != "" || !strings.Contains(e.err, "nowhere") || strings.Count(e.err, "\n") > 2 {
			t.Errorf("%v: exit code %d, output %q, and it says\n%s", args, e.code, e.out, e.err)
		}
	}
}
