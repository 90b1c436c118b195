package runtime

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// events are decoded into one after the other: what most have in common, such as
// kind and source, is then kept from one to the next.
var events = sync.Pool{New: func() any { return new(envelope.Event) }}

// readEvent decodes a message as an event in structured or binary mode; false when
// it is something else. The event goes back to events after its use.
func readEvent(message *driver.Message) (event *envelope.Event, found bool, err error) {
	event = events.Get().(*envelope.Event)
	event.ID = message.SendID // most often the same; it is kept then
	if len(message.Attributes) > 0 && isBinary(message, event) {
		found, err = envelope.DecodeBinary(message.Attributes, message.Body, event)
		return event, found, err
	}
	if err = envelope.Decode(message.Body, event); err != nil && !envelope.LooksLikeEvent(message.Body) {
		return event, false, nil
	}
	return event, true, err
}

// isBinary says whether the attributes of a message make the event. Those of an event
// in structured mode may be there beside it, and it is known by its content type;
// without one by being an event. It may leave that in event.
// Source: CloudEvents 1.0, AMQP protocol binding, section 3.2.3.
func isBinary(message *driver.Message, event *envelope.Event) bool {
	binary, contentType := envelope.IsBinary(message.Attributes)
	switch {
	case !binary || strings.HasPrefix(mediaType(contentType), "application/cloudevents"):
		return false
	case contentType == "":
		return envelope.Decode(message.Body, event) != nil
	}
	return true
}

// putEvent takes back what readEvent gave.
func putEvent(event *envelope.Event) {
	event.Data, event.TraceParent = nil, nil // they are part of the message
	events.Put(event)
}

// handlerFor is the handler of a message that was not opened yet, or nil.
func (m *Mux) handlerFor(message *driver.Message) *handler {
	event, found, err := readEvent(message)
	defer putEvent(event)
	switch {
	case found && err == nil:
		return m.handlerOf(event.Type)
	case m.rawKind != "":
		return m.handlerOf(m.rawKind)
	}
	return nil
}

// opened is what a message says of its task beside its Info.
type opened struct {
	expiry  time.Time // zero for never
	carrier carrier
}

// open makes the task of a message: an event, or anything at all where the Mux has
// a raw kind.
func (m *Mux) open(d Delivery, message *driver.Message) (*Info, opened, error) {
	event, found, err := readEvent(message)
	defer putEvent(event)
	switch {
	case found && err == nil:
		return m.place(Info{
			ID: TaskID(event.ID), Kind: event.Type, Queue: d.Queue.Name, EnqueuedAt: event.Time,
			Attributes: message.Attributes, payload: event.Data, contentType: event.DataContentType, packed: packedOf(event),
		}), opened{event.Expiry, carrier{event.TraceParent, event.TraceState}}, nil
	case m.rawKind != "":
		return m.place(Info{
			ID: TaskID(message.ID), Kind: m.rawKind, Queue: d.Queue.Name, EnqueuedAt: message.SentAt,
			Attributes: message.Attributes, payload: message.Body,
		}), opened{}, nil
	case err == nil:
		err = errors.New("the message is no CloudEvent; name a raw kind to take such messages")
	}
	return nil, opened{}, err
}
