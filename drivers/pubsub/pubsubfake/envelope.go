package pubsubfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// envelope is the body of a wrapped push (Google Pub/Sub documentation, "Push
// subscriptions", receive messages).
type envelope struct {
	Message      enveloped `json:"message"`
	Subscription string    `json:"subscription"`
	Attempt      int       `json:"deliveryAttempt,omitempty"`
}

// enveloped is the message in it, with the same fields twice as the service has them.
type enveloped struct {
	Data         []byte            `json:"data,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	ID           string            `json:"messageId"`
	ID2          string            `json:"message_id"`
	PublishTime  string            `json:"publishTime"`
	PublishTime2 string            `json:"publish_time"`
	OrderingKey  string            `json:"orderingKey,omitempty"`
}

// content gives the body of a push and the headers that its configuration asks for.
func (r *pushRequest) content() ([]byte, http.Header) {
	m, header := r.message, http.Header{}
	published := publishTime(m.GetPublishTime())
	if raw := r.config.GetNoWrapper(); raw != nil {
		if raw.GetWriteMetadata() {
			r.metadata(header, published)
		}
		return m.GetData(), header
	}
	header.Set("Content-Type", "application/json")
	body, err := json.Marshal(envelope{
		Message: enveloped{
			Data: m.GetData(), Attributes: m.GetAttributes(), OrderingKey: m.GetOrderingKey(),
			ID: m.GetMessageId(), ID2: m.GetMessageId(), PublishTime: published, PublishTime2: published,
		},
		Subscription: r.subscription, Attempt: r.attempt,
	})
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: envelope: %v", err)) // it has strings and a number only
	}
	return body, header
}

// metadata writes what is known of a message besides its data (Google Pub/Sub
// documentation, "Payload unwrapping"). An attribute that cannot be a header is left
// out.
func (r *pushRequest) metadata(header http.Header, published string) {
	for name, value := range r.message.GetAttributes() {
		if validHeader(name, value) {
			header.Set(name, value)
		}
	}
	header.Set("X-Goog-Pubsub-Subscription-Name", r.subscription)
	header.Set("X-Goog-Pubsub-Message-Id", r.message.GetMessageId())
	header.Set("X-Goog-Pubsub-Publish-Time", published)
	if key := r.message.GetOrderingKey(); key != "" && validHeader("X-Goog-Pubsub-Ordering-Key", key) {
		header.Set("X-Goog-Pubsub-Ordering-Key", key)
	}
}

// validHeader says whether HTTP can carry a header (RFC 9110, 5.1 and 5.5).
func validHeader(name, value string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return name != ""
}

// publishTime writes a time as the JSON form of a Timestamp has it, to the
// millisecond that message times are cut to.
func publishTime(t *timestamppb.Timestamp) string {
	at := t.AsTime()
	if at.Nanosecond() == 0 {
		return at.Format(time.RFC3339)
	}
	return at.Format("2006-01-02T15:04:05.000Z07:00")
}
