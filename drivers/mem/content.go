package mem

import (
	"bytes"
	"maps"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// content is what a stored message says, in as little memory as that takes.
type content struct {
	id, sendID      string
	body            []byte
	attributes      map[string]string
	group, fairness string
	carry           *driver.Carry // nil for the zero Carry
	death           *driver.Death // nil for none
	arrived         time.Duration // since the start of the broker
}

// contentOf is the content of a message that is to be stored. It shares body and
// attributes with the message.
func contentOf(m *driver.Message) content {
	c := content{
		sendID: driver.SendIDFor(*m), body: m.Body, attributes: m.Attributes,
		group: m.GroupKey, fairness: m.FairnessKey,
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
	c.body, c.attributes = bytes.Clone(m.Body), maps.Clone(m.Attributes)
	return c
}

// message is what a receiver sees. Start is that of the broker.
func (c *content) message(start time.Time) driver.Message {
	m := driver.Message{
		ID: c.id, SendID: c.sendID, Body: c.body, Attributes: c.attributes,
		GroupKey: c.group, FairnessKey: c.fairness, SentAt: start.Add(c.arrived), Death: c.death,
	}
	if c.carry != nil {
		m.Carry = *c.carry
	}
	return m
}
