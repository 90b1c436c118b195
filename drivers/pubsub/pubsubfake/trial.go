package pubsubfake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// trial is one run of a probe. After its first error its methods do nothing, so
// that a probe reads as a list of statements.
type trial struct {
	ctx           context.Context //nolint:containedctx // a trial lives as long as one call of Probe.Run
	clients       Clients
	project       string // as a resource name
	prefix        string
	topics        []string
	subscriptions []string
	stops         []func() // of endpoints
	err           error
}

// once has a client try a call once only: what it answers is what is looked at.
var once = gax.WithRetry(func() gax.Retryer { return nil })

// callWithin is how long a call may take that does not wait.
const callWithin = 10 * time.Second

func (t *trial) clean() {
	for _, name := range t.subscriptions {
		t.cleaned(t.deleteSubscription(name))
	}
	for _, name := range t.topics {
		t.cleaned(t.deleteTopic(name))
	}
	for _, stop := range t.stops {
		stop()
	}
}

func (t *trial) cleaned(err error) {
	if err != nil && status.Code(err) != codes.NotFound && t.err == nil {
		t.err = fmt.Errorf("clean up: %w", err)
	}
}

func (t *trial) must(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *trial) want(ok bool, format string, args ...any) {
	if t.err == nil && !ok {
		t.err = fmt.Errorf(format, args...)
	}
}

// refused wants an error of one of the codes.
func (t *trial) refused(err error, want ...codes.Code) {
	if t.err != nil {
		return
	}
	if err == nil {
		t.err = fmt.Errorf("it was taken, want an error with code %v", want)
	} else if !slices.Contains(want, status.Code(err)) {
		t.err = fmt.Errorf("got code %v (%s), want %v", status.Code(err), status.Convert(err).Message(), want)
	}
}

func (t *trial) wait(d time.Duration) {
	if t.err != nil {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
		t.err = t.ctx.Err()
	}
}

// call gives a call a context of its own, and is an error after the first.
func (t *trial) call(f func(ctx context.Context) error) error {
	if t.err != nil {
		return t.err
	}
	ctx, cancel := context.WithTimeout(t.ctx, callWithin)
	defer cancel()
	return f(ctx)
}

func (t *trial) topicName(name string) string { return t.project + "/topics/" + t.prefix + "-" + name }

func (t *trial) subscriptionName(name string) string {
	return t.project + "/subscriptions/" + t.prefix + "-" + name
}

func (t *trial) createTopic(c *topicProto) error {
	return t.call(func(ctx context.Context) error {
		_, err := t.clients.Topics.CreateTopic(ctx, c, once)
		if err == nil {
			t.topics = append(t.topics, c.GetName())
		}
		return err
	})
}

// topic creates a topic and gives its full name.
func (t *trial) topic(name string) string {
	name = t.topicName(name)
	t.must(t.createTopic(&topicProto{Name: name}))
	return name
}

// setting changes a subscription before it is created.
type setting func(*subscriptionProto)

func (t *trial) createSubscription(c *subscriptionProto) (*subscriptionProto, error) {
	var out *subscriptionProto
	err := t.call(func(ctx context.Context) (err error) {
		out, err = t.clients.Subscriptions.CreateSubscription(ctx, c, once)
		if err == nil {
			t.subscriptions = append(t.subscriptions, c.GetName())
		}
		return err
	})
	return out, err
}

// subscribe tries to create a subscription of a topic.
func (t *trial) subscribe(name, topic string, settings ...setting) (*subscriptionProto, error) {
	c := &subscriptionProto{Name: t.subscriptionName(name), Topic: topic}
	for _, set := range settings {
		set(c)
	}
	return t.createSubscription(c)
}

// subscription creates a subscription of a topic and gives its full name.
func (t *trial) subscription(name, topic string, settings ...setting) string {
	_, err := t.subscribe(name, topic, settings...)
	t.must(err)
	return t.subscriptionName(name)
}

// queue creates a topic and a subscription of it.
func (t *trial) queue(settings ...setting) (topic, subscription string) {
	topic = t.topic("topic")
	return topic, t.subscription("sub", topic, settings...)
}

func withHold(seconds int32) setting {
	return func(c *subscriptionProto) { c.AckDeadlineSeconds = seconds }
}

func withOrder(c *subscriptionProto) { c.EnableMessageOrdering = true }

func withExactlyOnce(c *subscriptionProto) { c.EnableExactlyOnceDelivery = true }

func withDead(topic string, attempts int32) setting {
	return func(c *subscriptionProto) {
		c.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic, MaxDeliveryAttempts: attempts}
	}
}

func (t *trial) deleteTopic(name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), callWithin)
	defer cancel()
	return t.clients.Topics.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: name}, once)
}

func (t *trial) deleteSubscription(name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), callWithin)
	defer cancel()
	return t.clients.Subscriptions.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: name}, once)
}

func (t *trial) get(subscription string) *subscriptionProto {
	var out *subscriptionProto
	t.must(t.call(func(ctx context.Context) (err error) {
		out, err = t.clients.Subscriptions.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: subscription}, once)
		return err
	}))
	return out
}

// update changes what the paths name of a subscription.
func (t *trial) update(name string, c *subscriptionProto, paths ...string) error {
	c.Name = name
	return t.call(func(ctx context.Context) error {
		_, err := t.clients.Subscriptions.UpdateSubscription(ctx, &pubsubpb.UpdateSubscriptionRequest{
			Subscription: c, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		}, once)
		return err
	})
}

func (t *trial) tryPublish(topic string, ms ...*pubsubpb.PubsubMessage) ([]string, error) {
	var ids []string
	err := t.call(func(ctx context.Context) error {
		out, err := t.clients.Topics.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: ms}, once)
		ids = out.GetMessageIds()
		return err
	})
	return ids, err
}

// publishKey publishes a message for each text, with an ordering key.
func (t *trial) publishKey(topic, key string, texts ...string) []string {
	ms := make([]*pubsubpb.PubsubMessage, len(texts))
	for i, text := range texts {
		ms[i] = &pubsubpb.PubsubMessage{Data: []byte(text), OrderingKey: key}
	}
	ids, err := t.tryPublish(topic, ms...)
	t.must(err)
	return ids
}

func (t *trial) publish(topic string, texts ...string) []string {
	return t.publishKey(topic, "", texts...)
}

// tryPull waits for at most wait. Endpoints may answer a Pull a second before its
// deadline, so that it has one more.
func (t *trial) tryPull(subscription string, limit int32, wait time.Duration) ([]*pubsubpb.ReceivedMessage, error) {
	if t.err != nil {
		return nil, t.err
	}
	ctx, cancel := context.WithTimeout(t.ctx, wait+time.Second)
	defer cancel()
	out, err := t.clients.Subscriptions.Pull(ctx, &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: limit}, once)
	if status.Code(err) == codes.DeadlineExceeded && t.ctx.Err() == nil {
		return nil, nil // nothing came
	}
	return out.GetReceivedMessages(), err
}

// pull collects messages until there are n, or wait has passed without one.
func (t *trial) pull(subscription string, n int, wait time.Duration) []*pubsubpb.ReceivedMessage {
	var got []*pubsubpb.ReceivedMessage
	for len(got) < n {
		ms, err := t.tryPull(subscription, 1000, wait)
		t.must(err)
		if len(ms) == 0 {
			break
		}
		got = append(got, ms...)
	}
	return got
}

// soon is how long a message may take that is due.
const soon = 3 * time.Second

// one pulls exactly one message.
func (t *trial) one(subscription string) *pubsubpb.ReceivedMessage {
	return t.oneWithin(subscription, soon)
}

func (t *trial) oneWithin(subscription string, wait time.Duration) *pubsubpb.ReceivedMessage {
	ms := t.pull(subscription, 1, wait)
	t.want(len(ms) == 1, "pulled %q, want 1 message", texts(ms))
	if t.err != nil {
		return nil
	}
	return ms[0]
}

// nothing wants the subscription to have no message to give for a while.
func (t *trial) nothing(subscription string, while time.Duration) {
	ms := t.pull(subscription, 1, while)
	t.want(len(ms) == 0, "pulled %q, want nothing", texts(ms))
}

// got wants messages of these texts, in this order.
func (t *trial) got(ms []*pubsubpb.ReceivedMessage, want ...string) {
	t.want(slices.Equal(texts(ms), want), "pulled %q, want %q", texts(ms), want)
}

func texts(ms []*pubsubpb.ReceivedMessage) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = string(m.GetMessage().GetData())
	}
	return out
}

func idsOf(ms []*pubsubpb.ReceivedMessage) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.GetAckId()
	}
	return out
}

func (t *trial) ackIDs(subscription string, ids ...string) error {
	return t.call(func(ctx context.Context) error {
		return t.clients.Subscriptions.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: subscription, AckIds: ids}, once)
	})
}

func (t *trial) ack(subscription string, ms ...*pubsubpb.ReceivedMessage) error {
	return t.ackIDs(subscription, idsOf(ms)...)
}

func (t *trial) modackIDs(subscription string, seconds int32, ids ...string) error {
	return t.call(func(ctx context.Context) error {
		return t.clients.Subscriptions.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: subscription, AckDeadlineSeconds: seconds, AckIds: ids,
		}, once)
	})
}

func (t *trial) modack(subscription string, seconds int32, ms ...*pubsubpb.ReceivedMessage) error {
	return t.modackIDs(subscription, seconds, idsOf(ms)...)
}

func (t *trial) nack(subscription string, ms ...*pubsubpb.ReceivedMessage) {
	t.must(t.modack(subscription, 0, ms...))
}

// lost wants an error of exactly-once delivery which says that the ack ids of these
// messages, and of no others, are invalid.
func (t *trial) lost(err error, ms ...*pubsubpb.ReceivedMessage) {
	t.refused(err, codes.InvalidArgument)
	if t.err != nil {
		return
	}
	failed := failures(err)
	t.want(len(failed) == len(ms), "the error names %d ack ids, want %d", len(failed), len(ms))
	for _, m := range ms {
		t.want(failed[m.GetAckId()] == InvalidAckID, "the error says %q of an ack id, want %s", failed[m.GetAckId()], InvalidAckID)
	}
}

// failures are what the ErrorInfo of an error says of each ack id.
func failures(err error) map[string]string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()
		}
	}
	return nil
}

// background runs f in a goroutine. The function that it returns waits for its
// error.
func (t *trial) background(f func() error) func() error {
	if t.err != nil {
		return func() error { return t.err }
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	return func() error { return <-done }
}

var errNothing = errors.New("nothing came")

// long is a text of n bytes.
func long(n int) string { return strings.Repeat("x", n) }
