package sqsfake

import "time"

// deadLetter is where m goes instead of to one more consumer; nil when it does
// not. A message goes on the receive after the last that its queue's policy
// allows (Amazon SQS Developer Guide, "Using dead-letter queues in Amazon SQS").
func (q *queue) deadLetter(m *message) *queue {
	p := q.settings.redrive
	if p == nil || m.here < p.max {
		return nil
	}
	return q.s.queueByARN(p.target) // it may be gone; then the message stays
}

// bury moves m to dead. It keeps its id and, on a standard queue, the time when it
// was sent, from which retention counts.
func (q *queue) bury(m *message, dead *queue, now time.Duration) {
	q.drop(m)
	c := *m.content
	c.source = q.s.arn(q.name)
	sent := m.sent
	if dead.fifo {
		c.sequence = q.s.sequence()
		sent = now
	}
	n := dead.add(&c, now, sent, 0)
	n.receives, n.first = m.receives, m.first
	dead.wake(now)
}
