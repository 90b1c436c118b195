package sqs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// The attributes that a receive asks for. Those of the system are what a lease
// shows, and no more: each is paid for in bytes.
var (
	allAttributes    = []string{"All"}
	systemAttributes = []types.MessageSystemAttributeName{
		types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		types.MessageSystemAttributeNameMessageGroupId,
	}
	systemAttributesFIFO = append(slices.Clip(systemAttributes),
		types.MessageSystemAttributeNameMessageDeduplicationId)
	systemAttributesDead = append(slices.Clip(systemAttributesFIFO),
		types.MessageSystemAttributeNameDeadLetterQueueSourceArn)
)

// slack is how much of a Wait a poll may run over, in place of one more request
// for the rest: what the earlier polls took on the way.
const slack = 100 * time.Millisecond

// Receive leases messages by one long poll or several, see [driver.Source].
// NotFound when the queue does not exist; PermissionDenied also when the queue's
// own hold is wanted and may not be read; Throttled when as many messages are in
// flight as may be.
func (s *source) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	q := s.queue
	op := q.ops.receive
	if err := q.gate.Begin(ctx, op, 1, maxBatch); err != nil {
		return nil, err
	}
	defer q.gate.Leave()
	if err := driver.CheckReceive(op, &q.capabilities, opts); err != nil {
		return nil, err
	}
	url, err := s.url(ctx, op)
	if err != nil {
		return nil, err
	}
	hold := driver.RoundUp(&q.capabilities, opts.Hold)
	if hold == 0 {
		if hold, err = s.ownHold(ctx, op); err != nil {
			return nil, err
		}
	}

	end := time.Now().Add(opts.Wait)
	wait := min(opts.Wait, maxPoll).Truncate(grain)
	for {
		asked := time.Now()
		leases, err := s.poll(ctx, op, url, opts.Max, wait, hold)
		if err != nil || len(leases) > 0 {
			return leases, err
		}
		// What did not wait is not asked again at once: each request is paid for.
		if early := min(wait-time.Since(asked), time.Until(end)); early > slack {
			if err := s.pause(ctx, op, min(early, grain)); err != nil {
				return nil, err
			}
		}
		left := time.Until(end)
		if left <= 0 {
			return nil, nil
		}
		if wait = min(left+slack, maxPoll).Truncate(grain); wait == 0 {
			if err := s.pause(ctx, op, left); err != nil {
				return nil, err
			}
			if left < slack {
				return nil, nil
			}
		}
		select {
		case <-q.gate.Done():
			return nil, driver.Errorf(driver.Closed, op, "the queue was closed")
		default:
		}
	}
}

// pause waits where no long poll does.
func (s *source) pause(ctx context.Context, op string, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return driver.ContextError(ctx, op)
	case <-s.queue.gate.Done():
		return driver.Errorf(driver.Closed, op, "the queue was closed")
	}
}

// poll makes one request.
func (s *source) poll(ctx context.Context, op, url string, most int, wait, hold time.Duration) ([]driver.Lease, error) {
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: int32(most), WaitTimeSeconds: seconds(wait), VisibilityTimeout: seconds(hold),
		MessageAttributeNames: allAttributes, MessageSystemAttributeNames: systemAttributes,
	}
	switch {
	case s.isDead():
		in.MessageSystemAttributeNames = systemAttributesDead
	case s.queue.capabilities.Ordered:
		in.MessageSystemAttributeNames = systemAttributesFIFO
	}
	start := time.Now()
	request, cancel := within(ctx, wait)
	defer cancel()
	var options []func(*awssqs.Options)
	if wait == 0 {
		options = shortPoll
	}
	out, err := s.queue.api.ReceiveMessage(request, in, options...)
	if err != nil {
		return nil, classify(ctx, op, actionReceive, err)
	}
	received := time.Now()
	late := s.queue.skew.note(start, received, out.ResultMetadata)
	if len(out.Messages) == 0 {
		return nil, nil
	}
	expires := received.Add(hold - margin(hold) - late)
	if most := start.Add(wait + hold); expires.After(most) { // the poll took longer than it waits
		expires = most
	}
	all := make([]lease, len(out.Messages))
	leases := make([]driver.Lease, len(all))
	for i := range all {
		all[i].received, all[i].expires = received, expires
		all[i].state.Last(expires, expires)
		s.fill(&all[i], &out.Messages[i])
		leases[i] = &all[i]
	}
	return leases, nil
}

// fill sets what a lease says of its message.
func (s *source) fill(l *lease, m *types.Message) {
	l.source = s
	l.handle = aws.ToString(m.ReceiptHandle)
	if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
		l.attempt = max(n, 0)
	}
	to := &l.message
	to.ID = aws.ToString(m.MessageId)
	if m.Body != nil {
		to.Body = []byte(*m.Body)
	}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
		to.SentAt = time.UnixMilli(ms)
	}
	if id, ok := m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]; ok {
		setGroup(to, id, s.queue.capabilities.Ordered)
	}
	to.SendID = m.Attributes[string(types.MessageSystemAttributeNameMessageDeduplicationId)]
	driver.UnpackAttributes(to, attributesOf(m.MessageAttributes))
	if !plain(m.MessageAttributes) {
		l.original.attributes = m.MessageAttributes
	}
	if s.queue.options.UnwrapSNS && m.Body != nil {
		l.unwrap(*m.Body, m.MessageAttributes)
	}
	if s.isDead() {
		s.queue.explain(to, m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)])
	}
}

// explain gives a dead letter that the broker put there a death record. The broker
// names the queue that such a message comes from; a record beside that is of an
// earlier death.
func (q *Queue) explain(m *driver.Message, from string) {
	_, broken := m.Attributes[driver.AttributeDeath]
	if from == "" && (m.Death != nil || broken) {
		return
	}
	death := &driver.Death{Reason: driver.ReasonBrokerLimit, Queue: q.name}
	if a, ok := parseARN(from); ok {
		death.Queue = a.name
	}
	if s := q.settings.Load(); s != nil && s.receives > 0 && death.Queue == q.name {
		death.Attempts = m.Carry.Attempts + s.receives
	}
	m.Death = death
}
