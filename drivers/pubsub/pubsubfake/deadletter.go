package pubsubfake

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
)

// deadLetter is a dead-letter policy.
type deadLetter struct {
	topic string // full name
	max   int    // deliveries
}

// What a forwarded message says of its source (Google Pub/Sub documentation,
// "Dead-letter topics", on forwarded messages).
const (
	sourceCount   = "CloudPubSubDeadLetterSourceDeliveryCount"
	sourceName    = "CloudPubSubDeadLetterSourceSubscription"
	sourceProject = "CloudPubSubDeadLetterSourceSubscriptionProject"
	sourceTime    = "CloudPubSubDeadLetterSourceTopicPublishTime"
)

// fail ends a lease without success, at that time: it is delivered again, or
// forwarded when that was the last delivery.
func (b *subscription) fail(it *item, at, now time.Duration) {
	it.failures++
	if d := b.dead; d != nil && it.failures >= d.max {
		if t := b.s.topics[d.topic]; t != nil { // else it is delivered on
			b.drop(it)
			b.forward(it, t, now)
			return
		}
	}
	if backoff := b.backoff(it.failures); backoff > 0 {
		b.hide(it, delayed, at+backoff)
	} else {
		b.show(it)
	}
	if it.line != nil {
		b.rewind(it)
	}
}

// forward publishes it to t. Where t has no subscription, it is lost.
func (b *subscription) forward(it *item, t *topic, now time.Duration) {
	m := proto.CloneOf(it.message)
	if m.Attributes == nil {
		m.Attributes = map[string]string{}
	}
	m.Attributes[sourceCount] = strconv.Itoa(it.failures)
	m.Attributes[sourceName] = b.id
	m.Attributes[sourceProject] = b.project
	m.Attributes[sourceTime] = it.message.GetPublishTime().AsTime().Format("2006-01-02T15:04:05.000-07:00")
	t.publish(b.s.newContent(m, now), now)
}

// retry is a retry policy.
type retry struct{ minimum, maximum time.Duration }

// backoff is how long a message is kept back after a number of failures.
func (b *subscription) backoff(failures int) time.Duration {
	if b.retry == nil {
		return 0
	}
	d := b.retry.minimum
	for i := 1; i < failures && d < b.retry.maximum; i++ {
		d = max(2*d, time.Second) // a minimum of 0 grows too
	}
	return min(d, b.retry.maximum)
}
