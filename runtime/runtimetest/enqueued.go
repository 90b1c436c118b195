package runtimetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// Enqueued is a task that was enqueued.
type Enqueued[T runtime.Args] struct {
	ID runtime.TaskID
	// Queue is the name of the queue it went to.
	Queue string
	// Args are its arguments, decoded again.
	Args T
	// At is when Enqueue was called; Delay and TTL count from it. A TTL of 0 is
	// none.
	At         time.Time
	Delay, TTL time.Duration
	// Group, Fairness and Dedup are its keys; empty for none.
	Group, Fairness, Dedup string
	// Attributes must not be modified.
	Attributes map[string]string
}

// sent is a task on its way to a queue.
type sent struct {
	event   envelope.Event
	queue   string
	message driver.Message // without its body
	delay   time.Duration
	id      string // of the message
}

// newSent reads a message that Enqueue sends; nil for a copy that a worker sends
// on, which has a send id of its own, and for what is no task.
func newSent(queue string, m *driver.Message) *sent {
	t := &sent{queue: queue, message: *m, delay: m.Delay}
	t.message.Body = nil
	// The client uses the body's memory again.
	if envelope.Decode(bytes.Clone(m.Body), &t.event) != nil {
		return nil
	}
	if m.SendID != t.event.ID && m.DedupKey == "" {
		return nil
	}
	if due := m.Carry.NotBefore; !due.IsZero() {
		t.delay = due.Sub(t.event.Time)
	}
	return t
}

// enqueued notes those tasks that the queue has taken.
func (k *Kit) enqueued(tasks []*sent, results []driver.SendResult) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, t := range tasks {
		if t == nil || results[i].Err != nil {
			continue
		}
		t.id = results[i].ID
		if t.message.DedupKey == "" || !k.has(t) { // else the queue has dropped it
			k.sent = append(k.sent, t)
		}
	}
}

// has says whether t's message is that of an earlier task. The caller holds mu.
func (k *Kit) has(t *sent) bool {
	for _, other := range k.sent {
		if other.queue == t.queue && other.id == t.id {
			return true
		}
	}
	return false
}

func (t *sent) ttl() time.Duration {
	if t.event.Expiry.IsZero() {
		return 0
	}
	return t.event.Expiry.Sub(t.event.Time)
}

// String is the task in one line, without its arguments.
func (t *sent) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q on queue %q", t.event.Type, t.queue)
	if t.delay > 0 {
		fmt.Fprintf(&b, ", delay %v", t.delay)
	}
	if ttl := t.ttl(); ttl > 0 {
		fmt.Fprintf(&b, ", ttl %v", ttl)
	}
	for _, key := range []struct{ name, value string }{
		{"group", t.message.GroupKey}, {"fairness", t.message.FairnessKey}, {"dedup", t.message.DedupKey},
	} {
		if key.value != "" {
			fmt.Fprintf(&b, ", %s %q", key.name, key.value)
		}
	}
	return b.String()
}

// read decodes a task as T.
func read[T runtime.Args](k *Kit, t *sent) (*Enqueued[T], error) {
	e := &Enqueued[T]{
		ID: runtime.TaskID(t.event.ID), Queue: t.queue, At: t.event.Time, Delay: t.delay, TTL: t.ttl(),
		Group: t.message.GroupKey, Fairness: t.message.FairnessKey, Dedup: t.message.DedupKey,
		Attributes: t.message.Attributes,
	}
	return e, k.codec.Unmarshal(t.event.Data, &e.Args)
}
