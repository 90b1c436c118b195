package sqs

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// notification is what Amazon SNS puts into a queue without raw message delivery.
// Source: Amazon SNS Developer Guide, "Parsing message formats".
type notification struct {
	Type              string
	TopicArn          string
	Message           string
	MessageAttributes map[string]struct{ Type, Value string }
}

// parseNotification reads a body that Amazon SNS wrapped. Other bodies, JSON or
// not, are none, and neither is one whose message is no text.
func parseNotification(body string) (*notification, bool) {
	if !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return nil, false
	}
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return nil, false
	}
	return &n, n.Type == "Notification" && n.TopicArn != "" && n.Message != "" && driver.IsText(n.Message)
}

// unwrap shows a notification's Message as the body and adds its attributes; body
// and attributes of the message itself are kept for copies.
func (l *lease) unwrap(body string, attributes map[string]types.MessageAttributeValue) {
	n, ok := parseNotification(body)
	if !ok {
		return
	}
	l.original.body = &body
	l.original.attributes = attributes
	if l.original.attributes == nil {
		l.original.attributes = native(l.message.Attributes)
	}
	if l.original.attributes == nil {
		l.original.attributes = make(map[string]types.MessageAttributeValue)
	}
	l.message.Body = []byte(n.Message)
	if len(n.MessageAttributes) == 0 {
		return
	}
	all := make(map[string]string, len(n.MessageAttributes)+len(l.message.Attributes))
	for name, v := range n.MessageAttributes {
		all[name] = v.Value
	}
	maps.Copy(all, l.message.Attributes)
	l.message.Attributes = all
}
