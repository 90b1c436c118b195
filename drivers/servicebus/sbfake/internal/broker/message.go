package broker

import (
	"maps"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
	"github.com/longshore-dev/longshore/internal/due"
)

// Token is a lock token, a UUID in its usual byte order.
type Token = [16]byte

// State of a message, as the annotation x-opt-message-state shows it.
type state int32

const (
	active state = iota
	deferred
	scheduled
)

// message is one message of an entity.
type message struct {
	due.Slot[*message] // when it comes out of its schedule or lock, or expires
	order              list.Links[message]

	entity   *Entity
	sent     *amqp.Message // never changed, but put in another's place
	bare     []byte        // sent from its properties on, encoded; nil when it was changed
	sequence int64
	first    int64 // its first sequence number, before it became a dead letter
	enqueued time.Duration
	due      time.Duration // when it is scheduled for
	expires  time.Duration // 0: never
	session  *session      // nil without
	state    state
	count    uint32 // how often it came back
	source   string // the queue that it died in
	at       int    // its place among those that are ready, from 1; 0: it is not
	locked   bool
	token    Token
	until    time.Duration
	holder   *Consumer // whose lock it is; nil for one that was received by its number
}

// Annotations of a message ("AMQP 1.0 in Azure Service Bus protocol guide").
const (
	annotationSequence     = "x-opt-sequence-number"
	annotationFirst        = "x-opt-enqueue-sequence-number"
	annotationEnqueued     = "x-opt-enqueued-time"
	annotationLockedUntil  = "x-opt-locked-until"
	annotationScheduled    = "x-opt-scheduled-enqueue-time"
	annotationState        = "x-opt-message-state"
	annotationSource       = "x-opt-deadletter-source"
	annotationPartitionKey = "x-opt-partition-key"
	annotationVia          = "x-opt-via-partition-key"
	annotationToken        = "x-opt-lock-token"

	propertyReason      = "DeadLetterReason"
	propertyDescription = "DeadLetterErrorDescription"
)

// Sections of a message.
const (
	sectionHeader              = 0x70
	sectionDeliveryAnnotations = 0x71
	sectionAnnotations         = 0x72
	sectionProperties          = 0x73
)

// encode encodes the message as it is delivered or shown.
func (m *message) encode() []byte {
	if m.bare == nil {
		bare, err := encodeBare(m.sent)
		if err != nil { // it was encoded when it was sent, and its new properties are plain
			panic("broker: encode a message: " + err.Error())
		}
		m.bare = bare
	}
	b := make([]byte, 0, len(m.bare)+256)
	b = wire.Append(b, wire.Described{Code: sectionHeader, Value: m.header()})
	if m.locked {
		b = wire.Append(b, wire.Described{Code: sectionDeliveryAnnotations, Value: wire.Map{annotationToken: m.token}})
	}
	b = wire.Append(b, wire.Described{Code: sectionAnnotations, Value: m.annotations()})
	return append(b, m.bare...)
}

func (m *message) header() []any {
	header := []any{true, nil, nil, nil, m.count}
	if h := m.sent.Header; h != nil {
		header[1] = h.Priority
		if h.TTL > 0 {
			header[2] = uint32(min(h.TTL.Milliseconds(), 1<<32-1))
		}
	}
	return header
}

func (m *message) annotations() wire.Map {
	b := m.entity.broker
	a := wire.Map{
		annotationSequence: m.sequence, annotationFirst: m.first,
		annotationEnqueued: b.at(m.enqueued), annotationState: int32(m.state),
	}
	if m.locked {
		a[annotationLockedUntil] = b.at(m.until)
	}
	if m.due > 0 {
		a[annotationScheduled] = b.at(m.due)
	}
	if m.source != "" {
		a[annotationSource] = m.source
	}
	for _, name := range []string{annotationPartitionKey, annotationVia} {
		if v, ok := m.sent.Annotations[name].(string); ok {
			a[name] = v
		}
	}
	return a
}

// encodeBare encodes what the sender has the say on. There are always properties: the
// client does not count deliveries without.
func encodeBare(sent *amqp.Message) ([]byte, error) {
	bare := *sent
	bare.Header, bare.DeliveryAnnotations, bare.Annotations = nil, nil, nil
	var before []byte
	if bare.Properties == nil {
		before = wire.Append(nil, wire.Described{Code: sectionProperties, Value: []any{}})
	}
	b, err := bare.MarshalBinary()
	if err != nil {
		return nil, fail(BadArgument, 400, "The message is not valid: %v.", err)
	}
	return append(before, b...), nil
}

// change puts properties in, in a copy of what was sent.
func (m *message) change(properties map[string]any) {
	if len(properties) == 0 {
		return
	}
	changed := *m.sent
	changed.ApplicationProperties = maps.Clone(changed.ApplicationProperties)
	if changed.ApplicationProperties == nil {
		changed.ApplicationProperties = make(map[string]any)
	}
	maps.Copy(changed.ApplicationProperties, properties)
	m.sent, m.bare = &changed, nil
}

// plain makes properties that a client named such as a message can have: simple values.
func plain(properties map[string]any) (map[string]any, error) {
	values := make(map[string]any, len(properties))
	for k, v := range properties {
		switch v := v.(type) {
		case nil, bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, int, uint, float32, float64, string, []byte, time.Time, amqp.UUID, amqp.Symbol:
			values[k] = v
		case wire.Symbol:
			values[k] = string(v)
		case [16]byte:
			values[k] = amqp.UUID(v)
		default:
			return nil, fail(BadArgument, 400, "The property %q is a %T, not a simple value.", k, v)
		}
	}
	return values, nil
}

// id is the message id, as duplicates are told by; empty without.
func id(sent *amqp.Message) string {
	if sent.Properties == nil {
		return ""
	}
	id, _ := sent.Properties.MessageID.(string)
	return id
}

func sessionID(sent *amqp.Message) (string, bool) {
	if sent.Properties == nil || sent.Properties.GroupID == nil {
		return "", false
	}
	return *sent.Properties.GroupID, true
}

// ttl is how long a message lives; 0 for ever.
func ttl(sent *amqp.Message, most time.Duration) time.Duration {
	own := time.Duration(0)
	if sent.Header != nil {
		own = sent.Header.TTL
	}
	if p := sent.Properties; own == 0 && p != nil && p.AbsoluteExpiryTime != nil && p.CreationTime != nil {
		own = p.AbsoluteExpiryTime.Sub(*p.CreationTime)
	}
	if most > 0 && (own <= 0 || own > most) {
		return most
	}
	return max(own, 0)
}

// scheduledFor is when a message wants to be enqueued.
func scheduledFor(sent *amqp.Message) (time.Time, bool) {
	at, ok := sent.Annotations[annotationScheduled].(time.Time)
	return at, ok
}
