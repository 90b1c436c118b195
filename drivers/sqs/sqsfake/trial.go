package sqsfake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// trial is one run of a probe. After its first error its methods do nothing, so
// that a probe reads as a list of statements.
type trial struct {
	ctx    context.Context //nolint:containedctx // a trial lives as long as one call of Probe.Run
	client *sqs.Client
	prefix string
	queues []string
	err    error
}

func (t *trial) clean() {
	for _, q := range t.queues {
		_, err := t.client.DeleteQueue(t.ctx, &sqs.DeleteQueueInput{QueueUrl: &q})
		var gone *types.QueueDoesNotExist
		if err != nil && !errors.As(err, &gone) && t.err == nil {
			t.err = err
		}
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
func (t *trial) refused(err error, codes ...string) {
	if t.err != nil {
		return
	}
	if err == nil {
		t.err = fmt.Errorf("it was taken, want an error with code %s", strings.Join(codes, " or "))
		return
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.err = fmt.Errorf("want an error with code %s, got %w", strings.Join(codes, " or "), err)
		return
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return
		}
	}
	t.err = fmt.Errorf("got error code %s (%s), want %s", api.ErrorCode(), api.ErrorMessage(), strings.Join(codes, " or "))
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

func pairs(attributes []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(attributes); i += 2 {
		m[attributes[i]] = attributes[i+1]
	}
	return m
}

// create tries to create a queue, with attributes given as name, value, ...
func (t *trial) create(name string, attributes ...string) (string, error) {
	if t.err != nil {
		return "", t.err
	}
	name = t.prefix + "-" + name
	out, err := t.client.CreateQueue(t.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)})
	if err != nil {
		return "", err
	}
	t.queues = append(t.queues, *out.QueueUrl)
	return *out.QueueUrl, nil
}

func (t *trial) queue(name string, attributes ...string) string {
	q, err := t.create(name, attributes...)
	t.must(err)
	return q
}

func (t *trial) set(q string, attributes ...string) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.client.SetQueueAttributes(t.ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q, Attributes: pairs(attributes)})
	return err
}

func (t *trial) attribute(q string, name types.QueueAttributeName) string {
	if t.err != nil {
		return ""
	}
	out, err := t.client.GetQueueAttributes(t.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q, AttributeNames: []types.QueueAttributeName{name}})
	t.must(err)
	if err != nil {
		return ""
	}
	return out.Attributes[string(name)]
}

// withDead creates a queue whose messages are moved after two receives to the
// second that it gives.
func (t *trial) withDead(suffix string, attributes ...string) (q, dead string) {
	dead = t.queue("dead"+suffix, attributes...)
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, t.attribute(dead, "QueueArn"))
	return t.queue("main"+suffix, append(attributes, "RedrivePolicy", policy)...), dead
}

// letter is what a probe sends.
type letter struct {
	body, group, dedup string
	delay              int32
	attributes         map[string]types.MessageAttributeValue
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (t *trial) trySend(q string, l letter) (*sqs.SendMessageOutput, error) {
	if t.err != nil {
		return nil, t.err
	}
	return t.client.SendMessage(t.ctx, &sqs.SendMessageInput{
		QueueUrl: &q, MessageBody: &l.body, DelaySeconds: l.delay, MessageAttributes: l.attributes,
		MessageGroupId: optional(l.group), MessageDeduplicationId: optional(l.dedup),
	})
}

// post sends l and gives the message id.
func (t *trial) post(q string, l letter) string {
	out, err := t.trySend(q, l)
	t.must(err)
	if t.err != nil {
		return ""
	}
	return *out.MessageId
}

func (t *trial) send(q, body string) string { return t.post(q, letter{body: body}) }

// fifo sends a message whose body is its dedup id too.
func (t *trial) fifo(q, group, body string) {
	t.post(q, letter{body: body, group: group, dedup: body})
}

// receive takes up to ten messages, hidden for hold seconds (0: the queue's own
// time), waiting for at most wait.
func (t *trial) receive(q string, wait, hold int32) []types.Message {
	if t.err != nil {
		return nil
	}
	out, err := t.client.ReceiveMessage(t.ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q, MaxNumberOfMessages: 10, WaitTimeSeconds: wait, VisibilityTimeout: hold,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	t.must(err)
	if err != nil {
		return nil
	}
	return out.Messages
}

// one receives exactly one message.
func (t *trial) one(q string, wait, hold int32) types.Message {
	ms := t.receive(q, wait, hold)
	t.want(len(ms) == 1, "received %d messages %q, want 1", len(ms), bodiesOf(ms))
	if t.err != nil {
		return types.Message{}
	}
	return ms[0]
}

// nothing wants q to have no message to give.
func (t *trial) nothing(q string) {
	ms := t.receive(q, 0, 0)
	t.want(len(ms) == 0, "received %q, want nothing", bodiesOf(ms))
}

func bodiesOf(ms []types.Message) []string {
	bodies := make([]string, len(ms))
	for i, m := range ms {
		bodies[i] = value(m.Body)
	}
	return bodies
}

func (t *trial) delete(q string, m types.Message) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.client.DeleteMessage(t.ctx, &sqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (t *trial) change(q string, m types.Message, seconds int32) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.client.ChangeMessageVisibility(t.ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	return err
}

// failed wants the entry of that id to have failed with one of the codes, by the
// sender's fault.
func (t *trial) failed(entries []types.BatchResultErrorEntry, id string, codes ...string) {
	for _, e := range entries {
		if value(e.Id) != id {
			continue
		}
		t.want(e.SenderFault, "entry %s failed with SenderFault false", id)
		for _, c := range codes {
			if value(e.Code) == c {
				return
			}
		}
		t.want(false, "entry %s failed with code %s (%s), want %s", id, value(e.Code), value(e.Message), strings.Join(codes, " or "))
		return
	}
	t.want(false, "entry %s did not fail", id)
}
