package pubsub

import (
	"maps"
	"strconv"
	"strings"

	"github.com/longshore-dev/longshore/driver"
)

// The attributes that Pub/Sub adds to what it forwards to a dead-letter topic.
// Source: Google Pub/Sub, "Dead-letter topics", "How dead-letter topics work".
const (
	attributeDeliveryCount = "CloudPubSubDeadLetterSourceDeliveryCount"
	attributeSubscription  = "CloudPubSubDeadLetterSourceSubscription"
)

// added are all of them.
var added = [...]string{
	attributeDeliveryCount, attributeSubscription, "CloudPubSubDeadLetterSourceSubscriptionProject",
	"CloudPubSubDeadLetterSourceTopicPublishTime", "CloudPubSubDeadLetterSourceDeliveryErrorMessage",
}

// unpack sets the parts of a message that travel as attributes. It takes all over.
//
// What Pub/Sub itself forwarded from this queue's subscription has a death record
// with reason broker-limit, whatever older record it carries, and shows nothing of
// what Pub/Sub added: a copy that takes that along could not be told from it.
func (s *source) unpack(l *lease, all map[string]string) {
	from, forwarded := all[attributeSubscription]
	own := forwarded && from == shortName(s.queue.subscription)
	count, _ := strconv.Atoi(all[attributeDeliveryCount])
	if own {
		for _, name := range added {
			delete(all, name)
		}
	}
	m := &l.message
	driver.UnpackAttributes(m, all)
	_, broken := m.Attributes[driver.AttributeDeath]
	if !own && (!s.isDead() || m.Death != nil || broken) {
		return
	}
	m.Death = &driver.Death{Reason: driver.ReasonBrokerLimit, Queue: s.queue.name}
	if forwarded && !own {
		m.Death.Queue = from
	}
	if count > 0 {
		m.Death.Attempts = m.Carry.Attempts + count
	}
}

// packed says whether some attributes are parts of a message, or Pub/Sub's own.
func packed(all map[string]string) bool {
	for _, name := range [...]string{driver.AttributeCarry, driver.AttributeDeath, attributeSubscription} {
		if _, ok := all[name]; ok {
			return true
		}
	}
	return false
}

// reservedPrefix begins the names of attributes that nobody may publish. Source:
// Google Pub/Sub, "Publish messages to topics", "Use attributes". Pub/Sub itself adds
// some, such as those of a topic with a schema.
const reservedPrefix = "goog"

// publishable is attributes without those.
func publishable(all map[string]string) map[string]string {
	kept := all
	for name := range all {
		if strings.HasPrefix(name, reservedPrefix) {
			if len(kept) == len(all) {
				kept = maps.Clone(all)
			}
			delete(kept, name)
		}
	}
	return kept
}

// sizeOf is at most what an attribute takes in a request, beside its name and value.
func sizeOf(name, value string) int { return len(name) + len(value) + attributeFraming }

const attributeFraming = 12
