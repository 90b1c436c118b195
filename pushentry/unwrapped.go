package pushentry

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/longshore-dev/longshore/driver"
)

// The headers of an unwrapped push. (Source: Google Pub/Sub, "Payload unwrapping for
// Pub/Sub push subscriptions", "Set Pub/Sub metadata in the message header".) Pub/Sub
// has none for the attempt; who passes pushes on may add it.
const (
	headerSubscription = "X-Goog-Pubsub-Subscription-Name"
	headerID           = "X-Goog-Pubsub-Message-Id"
	headerPublished    = "X-Goog-Pubsub-Publish-Time"
	headerOrdering     = "X-Goog-Pubsub-Ordering-Key"
	headerAttempt      = "X-Goog-Pubsub-Delivery-Attempt"
)

// decodeUnwrapped reads a push whose body is the message's own, which it keeps.
func decodeUnwrapped(body []byte, header http.Header, more []string) (push, error) {
	p := push{
		message: driver.Message{
			ID: header.Get(headerID), Body: body, GroupKey: header.Get(headerOrdering), SentAt: readTime(header.Get(headerPublished)),
		},
		subscription: header.Get(headerSubscription),
	}
	switch {
	case p.message.ID == "" || p.subscription == "":
		return push{}, errors.New("it has no metadata in its headers; have the subscription unwrap payloads and write metadata")
	case len(p.message.ID) > maxMessageID:
		return push{}, fmt.Errorf("its message id has %d bytes, more than %d", len(p.message.ID), maxMessageID)
	}
	if text := header.Get(headerAttempt); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return push{}, errors.New("its delivery attempt is no number")
		}
		p.attempt = n
	}
	p.message.Attributes = attributesOf(header, more)
	return p, nil
}

// attributesOf are the attributes among the headers: those of Longshore, of
// CloudEvents and of Pub/Sub's dead letters, and more. Names of headers have no case,
// so all but Pub/Sub's and more are in lower case. What else a request has, such as
// its token, is nobody's attribute.
func attributesOf(header http.Header, more []string) map[string]string {
	attributes := make(map[string]string)
	for name, values := range header {
		lower := strings.ToLower(name)
		if lower == driver.AttributeCarry || lower == driver.AttributeDeath || lower == "content-type" || strings.HasPrefix(lower, "ce-") {
			attributes[lower] = values[0]
		}
	}
	for _, names := range [][]string{forwarded[:], more} {
		for _, name := range names {
			if value := header.Get(name); value != "" {
				attributes[name] = value
			}
		}
	}
	return attributes
}

// forwarded are what Pub/Sub adds to what it has put into a dead letter, which may have
// been moved back as it is. (Source: Google Pub/Sub, "Dead-letter topics".)
var forwarded = [...]string{
	"CloudPubSubDeadLetterSourceDeliveryCount", "CloudPubSubDeadLetterSourceSubscription",
	"CloudPubSubDeadLetterSourceSubscriptionProject", "CloudPubSubDeadLetterSourceTopicPublishTime",
	"CloudPubSubDeadLetterSourceDeliveryErrorMessage",
}
