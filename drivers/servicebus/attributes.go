package servicebus

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// attributeSent is what the driver writes into what it sends: what the message id
	// and the session id are worth.
	attributeSent = "longshore-sent"
	// sentOnce: no other message has the message id.
	sentOnce = "once"
	// sentKeyed: the message id is a deduplication key, which later messages may have.
	sentKeyed = "keyed"
	// sentAlone is added where the session id is the message's own, as it has no group.
	sentAlone = "-alone"
)

// The content type of an event in structured mode, of any format and of ours, and the
// attribute for that of the data of one in binary mode, whose own place is the content
// type of the message. Source: CloudEvents 1.0, AMQP protocol binding, sections 3.1.1
// and 3.2.1.
const (
	mediaEvents          = "application/cloudevents"
	mediaEvent           = mediaEvents + "+json"
	attributeContentType = "content-type"
)

// eventStart begins the bodies that the runtime writes.
var eventStart = []byte(`{"specversion":"1.0",`)

func hasContentType(attributes map[string]string) bool {
	for name := range attributes {
		if of, _ := driver.EventAttribute(name); strings.EqualFold(of, "datacontenttype") {
			return true
		}
	}
	return false
}

// The properties that Service Bus adds to a dead letter, and its own reasons. Source:
// Azure Service Bus, "Overview of Service Bus dead-letter queues".
const (
	propertyReason      = "DeadLetterReason"
	propertyDescription = "DeadLetterErrorDescription"
	reasonDeliveries    = "MaxDeliveryCountExceeded"
	reasonExpired       = "TTLExpiredException"
)

// isOurs says whether a property is not an attribute of the application's.
func isOurs(name string) bool {
	return name == attributeSent || name == driver.AttributeCarry || name == driver.AttributeDeath ||
		name == propertyReason || name == propertyDescription
}

// unpack sets the parts of a lease's message that travel as properties.
func (s *source) unpack(l *lease) {
	from, to := l.native, &l.message
	all := make(map[string]string, len(from.ApplicationProperties))
	for name, value := range from.ApplicationProperties {
		if name != attributeSent && name != propertyReason && name != propertyDescription {
			all[name] = textOfProperty(value)
		}
	}
	if of := deref(from.ContentType); of != "" && !strings.HasPrefix(strings.ToLower(of), mediaEvents) && !hasContentType(all) {
		all[attributeContentType] = of
	}
	sent, _ := from.ApplicationProperties[attributeSent].(string)
	once, alone := strings.CutSuffix(sent, sentAlone)
	to.ID = from.MessageID
	if (once != sentOnce || to.ID == "") && from.SequenceNumber != nil {
		// Two that are not the same message may have the same message id.
		to.ID += "#" + strconv.FormatInt(*from.SequenceNumber, 10)
	}
	to.SendID = from.MessageID
	if s.queue.options.Sessions && from.SessionID != nil && !alone {
		to.GroupKey = *from.SessionID
	}
	if len(all) == 0 {
		all = nil
	}
	driver.UnpackAttributes(to, all)
	if s.isDead() {
		s.mourn(to, from)
	}
}

// mourn gives a dead letter a death record where Service Bus, or somebody else, put it
// there: whatever older record it carries.
func (s *source) mourn(to *driver.Message, from *azservicebus.ReceivedMessage) {
	reason, detail := deref(from.DeadLetterReason), deref(from.DeadLetterErrorDescription)
	_, broken := to.Attributes[driver.AttributeDeath]
	death := driver.Death{Reason: driver.ReasonBrokerLimit, Queue: driver.CutText(s.queue.name, driver.MaxSource)}
	switch {
	case reason == reasonDeliveries:
	case reason == reasonExpired:
		death.Reason = driver.ReasonExpired
	case to.Death != nil || broken:
		return
	}
	death.Detail = driver.CutText(strings.Trim(reason+": "+detail, ": "), driver.MaxDetail)
	to.Death = &death
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// textOfProperty is a property of another producer as an attribute.
func textOfProperty(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value)
}

// bodyOf is the body of a message: what other producers sent as a string or in several
// parts among it.
func bodyOf(m *azservicebus.ReceivedMessage) []byte {
	if m.Body != nil || m.RawAMQPMessage == nil {
		return m.Body
	}
	switch v := m.RawAMQPMessage.Body.Value.(type) {
	case string:
		return []byte(v)
	case []byte:
		return v
	}
	var all []byte
	for _, part := range m.RawAMQPMessage.Body.Data {
		all = append(all, part...)
	}
	return all
}
