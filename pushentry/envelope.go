package pushentry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// push is what a request says.
type push struct {
	message      driver.Message
	subscription string
	attempt      int // 0: it does not say
}

// maxMessageID is far more than the 17 digits that Pub/Sub makes.
const maxMessageID = 256

// maxSubscription is more than the longest name of a subscription has, whose id has up
// to 255 bytes. What is refused for another name says it, to the client and in the log.
const maxSubscription = 512

// envelope is the body of a push. Some fields have two names. (Source: Google Pub/Sub,
// "Push subscriptions", "Receive messages".) Fields that are not known are ignored.
type envelope struct {
	Message *struct {
		Data          payload           `json:"data"`
		Attributes    map[string]string `json:"attributes"`
		ID            string            `json:"messageId"`
		OtherID       string            `json:"message_id"`
		PublishTime   string            `json:"publishTime"`
		OtherTime     string            `json:"publish_time"`
		OrderingKey   string            `json:"orderingKey"`
		OtherOrdering string            `json:"ordering_key"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// payload is base64 in JSON. It copies what it decodes.
type payload []byte

// notBase64 is at which byte of its text a payload is no base64.
type notBase64 int64

func (e notBase64) Error() string {
	return fmt.Sprintf("message.data is no base64 at its byte %d", int64(e))
}

func (p *payload) UnmarshalJSON(text []byte) error {
	switch {
	case string(text) == "null":
		return nil
	case text[0] != '"':
		return errors.New("message.data is no text")
	}
	encoded := text[1 : len(text)-1]
	if bytes.IndexByte(encoded, '\\') >= 0 {
		var plain string
		if err := json.Unmarshal(text, &plain); err != nil {
			return errors.New("message.data is no text")
		}
		encoded = []byte(plain)
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Decode(decoded, encoded)
	if at, ok := errors.AsType[base64.CorruptInputError](err); ok {
		return notBase64(at)
	}
	*p = decoded[:n]
	return err
}

// decodeEnvelope reads a push in its envelope. It keeps nothing of body. Errors say
// nothing of what is in it.
func decodeEnvelope(body []byte) (push, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return push{}, envelopeError(err)
	}
	m := e.Message
	if m == nil {
		return push{}, errors.New("it has no message; is payload unwrapping on?")
	}
	id := or(m.ID, m.OtherID)
	switch {
	case id == "":
		return push{}, errors.New("its message has no messageId")
	case len(id) > maxMessageID:
		return push{}, fmt.Errorf("its messageId has %d bytes, more than %d", len(id), maxMessageID)
	case e.Subscription == "":
		return push{}, errors.New("it names no subscription")
	case e.DeliveryAttempt < 0:
		return push{}, fmt.Errorf("its deliveryAttempt %d is below 0", e.DeliveryAttempt)
	}
	return push{
		message: driver.Message{
			ID: id, Body: m.Data, Attributes: m.Attributes, GroupKey: or(m.OrderingKey, m.OtherOrdering),
			SentAt: readTime(or(m.PublishTime, m.OtherTime)),
		},
		subscription: e.Subscription, attempt: e.DeliveryAttempt,
	}, nil
}

// envelopeError is what is wrong with a body, without a byte of it.
func envelopeError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is no JSON at byte %d", syntax.Offset)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return errors.New("it is no JSON object")
		}
		return fmt.Errorf("its %s has the wrong type at byte %d", wrong.Field, wrong.Offset)
	}
	return err // of payload
}

// readTime is when a message was published; zero when that cannot be read, as nothing
// depends on it.
func readTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

var _ json.Unmarshaler = (*payload)(nil)
