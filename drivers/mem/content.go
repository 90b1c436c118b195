package mem

import (
	"bytes"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// content is what a stored message says, in as little memory as that takes.
type content struct {
	id, sendID      string
	body            []byte
	attributes      []attribute
	group, fairness string
	carry           *driver.Carry // nil for the zero Carry
	death           *driver.Death // nil for none
	arrived         time.Duration // since the start of the broker
}

// attribute is an entry of a message's attributes: a list of them takes a fifth of
// what a map does.
type attribute struct{ name, value string }

// contentOf is the content of a message that is to be stored. It shares the body
// with the message.
func contentOf(m *driver.Message) content {
	c := content{
		sendID: driver.SendIDFor(*m), body: m.Body,
		group: m.GroupKey, fairness: m.FairnessKey,
	}
	if len(m.Attributes) > 0 {
		c.attributes = make([]attribute, 0, len(m.Attributes))
		for name, value := range m.Attributes {
			c.attributes = append(c.attributes, attribute{name, value})
		}
	}
	if !m.Carry.IsZero() {
		carry := m.Carry
		c.carry = &carry
	}
	if m.Death != nil {
		death := *m.Death
		c.death = &death
	}
	return c
}

// sent is the content of a message that is sent: it keeps nothing of the
// sender's.
func sent(m *driver.Message) content {
	c := contentOf(m)
	c.body = bytes.Clone(m.Body)
	return c
}

// message is what a receiver sees. Start is that of the broker.
func (c *content) message(start time.Time) driver.Message {
	m := driver.Message{
		ID: c.id, SendID: c.sendID, Body: c.body,
		GroupKey: c.group, FairnessKey: c.fairness, SentAt: start.Add(c.arrived), Death: c.death,
	}
	if len(c.attributes) > 0 {
		m.Attributes = make(map[string]string, len(c.attributes))
		for _, a := range c.attributes {
			m.Attributes[a.name] = a.value
		}
	}
	if c.carry != nil {
		m.Carry = *c.carry
	}
	return m
}
