package pubsubfake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const project = "projects/test"

// env is a server and clients of it.
type env struct {
	*testing.T
	server *pubsubfake.Server
	topics *apiv1.TopicAdminClient
	subs   *apiv1.SubscriptionAdminClient
}

// bubble runs test in virtual time on a server of its own.
func bubble(t *testing.T, test func(e *env)) {
	t.Helper()
	bubbleWith(t, nil, test)
}

func bubbleWith(t *testing.T, opts *pubsubfake.Options, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := pubsubfake.New(opts)
		defer s.Close()
		test(newEnv(t, s, s.ClientOptions))
	})
}

func newEnv(t *testing.T, s *pubsubfake.Server, opts func() []option.ClientOption) *env {
	t.Helper()
	topics, err := apiv1.NewTopicAdminClient(t.Context(), opts()...)
	if err != nil {
		t.Fatal(err)
	}
	subs, err := apiv1.NewSubscriptionAdminClient(t.Context(), opts()...)
	if err != nil {
		t.Fatal(err)
	}
	return &env{t, s, topics, subs}
}

func topicName(id string) string { return project + "/topics/" + id }
func subName(id string) string   { return project + "/subscriptions/" + id }

// queue creates a topic and a subscription of the same name.
func (e *env) queue(id string, change ...func(*pubsubpb.Subscription)) {
	e.Helper()
	e.topic(id)
	e.subscription(id, id, change...)
}

func (e *env) topic(id string) {
	e.Helper()
	_, err := e.topics.CreateTopic(e.Context(), &pubsubpb.Topic{Name: topicName(id)})
	e.must(err)
}

func (e *env) subscription(id, topic string, change ...func(*pubsubpb.Subscription)) {
	e.Helper()
	c := &pubsubpb.Subscription{Name: subName(id), Topic: topicName(topic)}
	for _, f := range change {
		f(c)
	}
	_, err := e.subs.CreateSubscription(e.Context(), c)
	e.must(err)
}

// withDead has messages of its subscription forwarded to a topic.
func withDead(topic string, attempts int32) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) {
		c.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topicName(topic), MaxDeliveryAttempts: attempts}
	}
}

func ordered(c *pubsubpb.Subscription)     { c.EnableMessageOrdering = true }
func exactlyOnce(c *pubsubpb.Subscription) { c.EnableExactlyOnceDelivery = true }

func hold(seconds int32) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) { c.AckDeadlineSeconds = seconds }
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) wantCode(err error, code codes.Code) {
	e.Helper()
	if status.Code(err) != code {
		e.Errorf("got error %v, want code %s", err, code)
	}
}

func (e *env) publish(topic string, bodies ...string) {
	e.Helper()
	e.publishKey(topic, "", bodies...)
}

func (e *env) publishKey(topic, key string, bodies ...string) {
	e.Helper()
	req := &pubsubpb.PublishRequest{Topic: topicName(topic)}
	for _, body := range bodies {
		req.Messages = append(req.Messages, &pubsubpb.PubsubMessage{Data: []byte(body), OrderingKey: key})
	}
	_, err := e.topics.Publish(e.Context(), req)
	e.must(err)
}

// tryPull waits for at most wait and, by its margin, answers a second before the
// deadline of its call.
func (e *env) tryPull(sub string, limit int32, wait time.Duration) ([]*pubsubpb.ReceivedMessage, error) {
	ctx, cancel := context.WithTimeout(e.Context(), wait+time.Second)
	defer cancel()
	out, err := e.subs.Pull(ctx, &pubsubpb.PullRequest{Subscription: subName(sub), MaxMessages: limit})
	return out.GetReceivedMessages(), err
}

func (e *env) pull(sub string, wait time.Duration) []*pubsubpb.ReceivedMessage {
	e.Helper()
	ms, err := e.tryPull(sub, 100, wait)
	e.must(err)
	return ms
}

// one pulls the only message there is.
func (e *env) one(sub string, wait time.Duration) *pubsubpb.ReceivedMessage {
	e.Helper()
	ms := e.pull(sub, wait)
	if len(ms) != 1 {
		e.Fatalf("pulled %q, want one message", bodies(ms))
	}
	return ms[0]
}

func (e *env) wantPull(sub string, want ...string) []*pubsubpb.ReceivedMessage {
	e.Helper()
	ms := e.pull(sub, 0)
	if got := fmt.Sprint(bodies(ms)); got != fmt.Sprint(want) {
		e.Fatalf("pulled %s, want %s", got, want)
	}
	return ms
}

// poll pulls in a goroutine of its own.
func (e *env) poll(sub string, wait time.Duration) <-chan []*pubsubpb.ReceivedMessage {
	got := make(chan []*pubsubpb.ReceivedMessage, 1)
	go func() {
		ms, err := e.tryPull(sub, 1, wait)
		if err != nil {
			e.Error(err)
		}
		got <- ms
	}()
	return got
}

func (e *env) ack(sub string, ms ...*pubsubpb.ReceivedMessage) error {
	return e.subs.Acknowledge(e.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subName(sub), AckIds: ackIDs(ms)})
}

func (e *env) modack(sub string, seconds int32, ms ...*pubsubpb.ReceivedMessage) error {
	return e.subs.ModifyAckDeadline(e.Context(), &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: subName(sub), AckDeadlineSeconds: seconds, AckIds: ackIDs(ms),
	})
}

func ackIDs(ms []*pubsubpb.ReceivedMessage) []string {
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.GetAckId()
	}
	return ids
}

func bodies(ms []*pubsubpb.ReceivedMessage) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = string(m.GetMessage().GetData())
	}
	return out
}

func mentions(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }
