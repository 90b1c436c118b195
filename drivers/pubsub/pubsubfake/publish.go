package pubsubfake

import (
	"context"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Limits of a publish request and of a message (Google Pub/Sub documentation,
// "Quotas and limits", resource limits).
const (
	maxBatch          = 1000
	maxBytes          = 10_000_000
	maxAttributes     = 100
	maxAttributeName  = 256
	maxAttributeValue = 1024
	maxOrderingKey    = 1024
)

// firstMessage makes ids look like those of Google Pub/Sub.
const firstMessage = 10_000_000_000_000_000

func messageID(number uint64) string { return strconv.FormatUint(firstMessage+number, 10) }

func (s *Server) timestamp(t time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(s.start.Add(t).Truncate(time.Millisecond))
}

// Publish adds the messages to every subscription of the topic.
func (v *service) Publish(_ context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	if err := checkBatch(req.GetMessages()); err != nil {
		return nil, err
	}
	now := s.now()
	out := &pubsubpb.PublishResponse{MessageIds: make([]string, 0, len(req.GetMessages()))}
	for _, m := range req.GetMessages() {
		c := s.newContent(m, now)
		t.add(c)
		out.MessageIds = append(out.MessageIds, c.message.GetMessageId())
	}
	t.wake(now)
	return out, nil
}

func (t *topic) add(c *content) {
	for _, b := range t.subscriptions {
		b.add(c)
	}
}

func (t *topic) wake(now time.Duration) {
	for _, b := range t.subscriptions {
		b.wake(now)
	}
}

func (t *topic) publish(c *content, now time.Duration) {
	t.add(c)
	t.wake(now)
}

func checkBatch(ms []*pubsubpb.PubsubMessage) error {
	if len(ms) == 0 {
		return invalid("The request must contain at least one message.")
	}
	if len(ms) > maxBatch {
		return invalid("The value for message_count is too large. You passed %d in the request, but the maximum value is %d.", len(ms), maxBatch)
	}
	total := 0
	for _, m := range ms {
		if err := checkMessage(m); err != nil {
			return err
		}
		if m.GetOrderingKey() != ms[0].GetOrderingKey() {
			return invalid("In a single publish request, all messages must have no ordering key or they must all have the same ordering key.")
		}
		total += sizeOf(m)
	}
	if total > maxBytes {
		return invalid("Request payload size exceeds the limit: %d bytes.", maxBytes)
	}
	return nil
}

func checkMessage(m *pubsubpb.PubsubMessage) error {
	if len(m.GetData()) == 0 && len(m.GetAttributes()) == 0 {
		return invalid("One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.")
	}
	if n := sizeOf(m); n > maxBytes {
		return invalid("The value for message_size is too large. You passed %d in the request, but the maximum value is %d.", n, maxBytes)
	}
	if n := len(m.GetOrderingKey()); n > maxOrderingKey {
		return invalid("The value for ordering_key_size is too large. You passed %d in the request, but the maximum value is %d.", n, maxOrderingKey)
	}
	if n := len(m.GetAttributes()); n > maxAttributes {
		return invalid("The value for attribute_count is too large. You passed %d in the request, but the maximum value is %d.", n, maxAttributes)
	}
	for name, value := range m.GetAttributes() {
		switch {
		case name == "":
			return invalid("An attribute key is empty.")
		case len(name) > maxAttributeName:
			return invalid("The value for attribute_key_size is too large. You passed %d in the request, but the maximum value is %d.", len(name), maxAttributeName)
		case len(value) > maxAttributeValue:
			return invalid("The value for attribute_value_size is too large. You passed %d in the request, but the maximum value is %d.", len(value), maxAttributeValue)
		case strings.HasPrefix(name, "goog"):
			return invalid("Attribute keys must not begin with goog.")
		}
	}
	return nil
}
