package driver

import (
	"crypto/rand"
	"maps"
	"time"
)

// NewSendID makes a fresh send id: 26 characters, random.
func NewSendID() string { return rand.Text() }

// SendIDFor is the send id under which a driver sends m: m.SendID, else
// m.DedupKey, else a fresh one.
func SendIDFor(m Message) string {
	switch {
	case m.SendID != "":
		return m.SendID
	case m.DedupKey != "":
		return m.DedupKey
	}
	return NewSendID()
}

// CopyOf is a message to send in place of the received m: same body,
// attributes and keys under a fresh send id. A caller that retries the send
// keeps the copy, and with it the send id.
func CopyOf(m Message) Message {
	return Message{
		SendID: NewSendID(), Body: m.Body, Attributes: m.Attributes,
		GroupKey: m.GroupKey, FairnessKey: m.FairnessKey, Carry: m.Carry,
	}
}

// DeadCopy is what a Bury of s puts into the dead letter of the named queue. The
// settlement must have passed CheckSettlement.
func DeadCopy(s Settlement, queue string, now time.Time) Message {
	m := s.Lease.Message()
	c := CopyOf(m)
	if s.Carry != nil {
		c.Carry = *s.Carry
	}
	c.Death = &Death{
		Reason: s.Reason, Detail: CutText(s.Detail, MaxDetail), Attempts: c.Carry.Attempts + s.Lease.Attempt(),
		At: now, Queue: CutText(queue, MaxSource),
	}
	return c
}

// LiveCopy is what a Redrive of the dead message m sends back to its queue:
// without death record, not even one that did not decode, and with the carry of
// a redriven task.
func LiveCopy(m Message) Message {
	c := CopyOf(m)
	if _, ok := c.Attributes[AttributeDeath]; ok {
		c.Attributes = maps.Clone(c.Attributes)
		delete(c.Attributes, AttributeDeath)
	}
	c.Carry = m.Carry.Redriven()
	return c
}

// PackAttributes is what a broker with string attributes stores for m: its
// attributes and the reserved ones. InvalidArgument when a reserved one cannot
// be encoded.
func PackAttributes(m Message) (map[string]string, error) {
	if m.Carry.IsZero() && m.Death == nil {
		return m.Attributes, nil
	}
	all := make(map[string]string, len(m.Attributes)+2)
	maps.Copy(all, m.Attributes)
	if !m.Carry.IsZero() {
		s, err := EncodeCarry(m.Carry)
		if err != nil {
			return nil, err
		}
		all[AttributeCarry] = s
	}
	if m.Death != nil {
		s, err := EncodeDeath(*m.Death)
		if err != nil {
			return nil, err
		}
		all[AttributeDeath] = s
	}
	return all, nil
}

// UnpackAttributes sets Attributes, Carry, Death and Defect of a received
// message from what the broker stored. It takes all over.
func UnpackAttributes(m *Message, all map[string]string) {
	m.Attributes, m.Carry, m.Death, m.Defect = all, Carry{}, nil, nil
	if s, ok := all[AttributeCarry]; ok {
		c, err := DecodeCarry(s)
		if err != nil {
			m.Defect = err
		} else {
			m.Carry = c
			delete(all, AttributeCarry)
		}
	}
	if s, ok := all[AttributeDeath]; ok {
		d, err := DecodeDeath(s)
		if err != nil {
			m.Defect = err
		} else {
			m.Death = &d
			delete(all, AttributeDeath)
		}
	}
}
