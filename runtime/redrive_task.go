package runtime

import (
	"crypto/sha256"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// deadTask is what Match sees of a dead letter.
func deadTask(m *driver.Message) DeadTask {
	t := DeadTask{MessageID: m.ID, Attributes: m.Attributes, Redrives: m.Carry.Redrives, Message: *m}
	if m.Death != nil {
		t.Death = *m.Death
	}
	event, found, err := readEvent(m)
	defer putEvent(event)
	if found && err == nil {
		t.ID, t.Kind, t.EnqueuedAt, t.DataRef = TaskID(event.ID), event.Type, event.Time, event.DataRef
	}
	return t
}

// digest stands for an id in what a redrive remembers, which may be millions.
type digest [16]byte

func digestOf(kind byte, s []byte) digest {
	h := sha256.New()
	h.Write([]byte{kind})
	h.Write(s)
	return digest(h.Sum(nil)[:16])
}

// messageKey stands for a dead letter: one message of the broker.
func messageKey(m *driver.Message) digest { return digestOf('m', []byte(m.ID)) }

// taskKey stands for a task through all its copies: its id, else its body.
func taskKey(t *DeadTask, m *driver.Message) digest {
	if t.ID != "" {
		return digestOf('t', []byte(t.ID))
	}
	return digestOf('b', m.Body)
}

// newerThan reports whether a message died after start. The clocks of whoever
// buried it, of the broker and of this machine may differ by minutes, so all
// that tell must say so.
func newerThan(start time.Time, m *driver.Message) bool {
	return m.Death != nil && m.Death.At.After(start) && (m.SentAt.IsZero() || m.SentAt.After(start))
}
