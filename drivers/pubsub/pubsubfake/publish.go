package pubsubfake

import (
	"context"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
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
	if err := checkRequest(req); err != nil {
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

// checkRequest: codes and texts are those that users of the service have reported
// (googleapis/google-cloud-python#5898, yoshidan/google-cloud-rust#226,
// snowplow/enrich#485, googleapis/java-pubsub#2312), where there are any.
func checkRequest(req *pubsubpb.PublishRequest) error {
	ms := req.GetMessages()
	if len(ms) == 0 {
		return invalid("The request must contain at least one message.")
	}
	if len(ms) > maxBatch {
		return tooLarge("message_count", len(ms), maxBatch)
	}
	if n := proto.Size(req); n > maxBytes {
		return tooLarge("request_size", n, maxBytes)
	}
	for _, m := range ms {
		if err := checkMessage(m); err != nil {
			return err
		}
		if m.GetOrderingKey() != ms[0].GetOrderingKey() {
			return status.Error(codes.FailedPrecondition,
				"In a single publish request, all messages must have no ordering key or they must all have the same ordering key.")
		}
	}
	return nil
}

func tooLarge(what string, n, most int) error {
	return invalid("The value for %s is too large. You passed %d in the request, but the maximum value is %d.", what, n, most)
}

func tooLong(name, part string, n, most int) error {
	return invalid("The attribute %q in the request has a %s that is too long. The length is %d characters, but the maximum allowed is %d.", name, part, n, most)
}

func checkMessage(m *pubsubpb.PubsubMessage) error {
	if len(m.GetData()) == 0 && len(m.GetAttributes()) == 0 {
		return invalid("One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.")
	}
	if n := len(m.GetOrderingKey()); n > maxOrderingKey {
		return tooLarge("ordering_key_size", n, maxOrderingKey)
	}
	if n := len(m.GetAttributes()); n > maxAttributes {
		return tooLarge("attribute_count", n, maxAttributes)
	}
	for name, value := range m.GetAttributes() {
		switch {
		case name == "":
			return invalid("An attribute key is empty.")
		case len(name) > maxAttributeName:
			return tooLong("", "key", len(name), maxAttributeName)
		case len(value) > maxAttributeValue:
			return tooLong(name, "value", len(value), maxAttributeValue)
		case strings.HasPrefix(name, "goog"):
			return invalid("Attribute keys must not begin with goog.")
		}
	}
	return nil
}
