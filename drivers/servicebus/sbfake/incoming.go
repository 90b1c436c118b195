package sbfake

import (
	"fmt"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

// batchFormat is the message format of a batch: its data sections are messages.
const batchFormat = 0x80013700

// incoming is a link on which the client sends: messages to an entity, or requests to a
// node. The connection's reader owns it.
type incoming struct {
	ss      *session
	handle  uint32
	path    string
	entity  *broker.Entity // nil for $cbs
	managed bool           // it is the entity's management node

	count uint32 // deliveries so far
	left  uint32 // credit that the client has left

	first *wire.Transfer // of a message that comes in parts
	parts []byte
	large bool // it is larger than any message may be
}

// give lets the client send n messages; the connection's mutex is held.
func (l *incoming) give(n uint32) {
	l.left = n
	f := l.ss.flowState()
	count := l.count
	f.Handle, f.DeliveryCount, f.LinkCredit = &l.handle, &count, &n
	l.ss.send(f, nil)
}

// hardLimit is how many bytes of a message are kept at most.
const hardLimit = 100 << 20

// transfer takes a part of a message, and does what the whole asks for.
func (ss *session) transfer(t *wire.Transfer, payload []byte) error {
	ss.c.mu.Lock()
	ss.nextIncoming++
	ss.c.mu.Unlock()
	l := ss.incoming[t.Handle]
	if l == nil {
		return fmt.Errorf("a transfer for handle %d, which has no link", t.Handle)
	}
	if l.first == nil {
		if t.DeliveryID == nil {
			return fmt.Errorf("a transfer on %q without a delivery id", l.path)
		}
		l.first, l.parts, l.large = t, nil, false
	}
	if t.Aborted {
		l.first = nil
		return nil
	}
	switch {
	case len(l.parts)+len(payload) > hardLimit:
		l.large, l.parts = true, nil
	case l.parts == nil && !l.large:
		l.parts = payload
	case !l.large:
		l.parts = append(l.parts, payload...)
	}
	if t.More {
		return nil
	}
	first, message, large := l.first, l.parts, l.large
	l.first, l.parts = nil, nil
	l.count++
	l.left--
	l.message(first, message, large)
	if l.left <= initialCredit/2 {
		ss.c.mu.Lock()
		defer ss.c.mu.Unlock()
		l.give(initialCredit)
	}
	return nil
}

// message does what a message asks for, and confirms it.
func (l *incoming) message(t *wire.Transfer, encoded []byte, large bool) {
	if l.entity != nil && !l.managed {
		l.store(t, encoded, large)
		return
	}
	var m amqp.Message
	if err := m.UnmarshalBinary(encoded); err != nil {
		l.confirm(t, &broker.Error{Condition: "amqp:decode-error", Text: err.Error()})
		return
	}
	l.confirm(t, nil)
	if l.entity == nil {
		l.ss.c.authorize(&m)
		return
	}
	l.ss.c.manage(l.entity, &m)
}

// store stores a message or a batch.
func (l *incoming) store(t *wire.Transfer, encoded []byte, large bool) {
	c := l.ss.c
	f := c.s.strike(OpSend, l.entity.Path())
	var err error
	if !f.prevents() {
		err = l.put(t, encoded, large)
	}
	if f.ends(c, func() { l.ss.tell(&wire.Detach{Handle: l.handle, Closed: true, Error: amqpError(f.detached())}) }) {
		return
	}
	if refusal := f.refusal("message"); refusal != nil {
		err = refusal
	}
	c.later(f.delay(), func() { l.confirm(t, err) })
}

func (l *incoming) put(t *wire.Transfer, encoded []byte, large bool) error {
	most := l.entity.MaxMessageSize()
	batch := t.MessageFormat != nil && *t.MessageFormat == batchFormat
	if large || len(encoded) > most {
		return &broker.Error{Condition: broker.TooLarge, Text: fmt.Sprintf("The received message (size:%d) exceeds the limit (%d) of the link.", len(encoded), most)}
	}
	messages, err := decode(encoded, batch)
	if err != nil {
		return &broker.Error{Condition: "amqp:decode-error", Text: err.Error()}
	}
	if err := l.entity.Send(messages); err != nil {
		return err
	}
	l.ss.c.s.counts.add(func(t *Traffic) { t.Messages += len(messages) })
	return nil
}

// decode decodes a message, or the messages of a batch.
func decode(encoded []byte, batch bool) ([]*amqp.Message, error) {
	var m amqp.Message
	if err := m.UnmarshalBinary(encoded); err != nil {
		return nil, err
	}
	if !batch {
		return []*amqp.Message{&m}, nil
	}
	messages := make([]*amqp.Message, len(m.Data))
	for i, data := range m.Data {
		messages[i] = new(amqp.Message)
		if err := messages[i].UnmarshalBinary(data); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// confirm tells the client what became of its message, unless it does not want to know.
func (l *incoming) confirm(t *wire.Transfer, err error) {
	if t.Settled {
		return
	}
	state := &wire.State{Kind: wire.Accepted}
	if err != nil {
		state = &wire.State{Kind: wire.Rejected, Error: amqpError(err)}
	}
	l.ss.tell(&wire.Disposition{Role: wire.Receiver, First: *t.DeliveryID, Settled: true, State: state})
}
