package runtime

import (
	"time"

	"go.opentelemetry.io/otel/metric"
)

// maxSkew is by how much clocks differ before it is counted.
const maxSkew = 5 * time.Second

// clockNames are whose clock can be seen to be ahead.
var clockNames = [...]string{producerClock: "producer", brokerClock: "broker"}

const (
	producerClock = iota
	brokerClock
	clocks = len(clockNames)
)

// lookAtClocks counts a delivery by whose times a clock is ahead: that of the task by
// the producer's, which is compared with the broker's too, or that of the message by
// the broker's. Zero times are not known. A clock that is behind cannot be told from a
// message that was long on its way.
func (s *queueSignals) lookAtClocks(task, message, now time.Time) {
	if isAhead(task, now) || !message.IsZero() && isAhead(task, message) {
		s.skewed[producerClock].Add(1)
	}
	if isAhead(message, now) {
		s.skewed[brokerClock].Add(1)
	}
}

func isAhead(t, of time.Time) bool { return t.Sub(of) > maxSkew }

// observeClocks tells of all clocks, also of those that are right.
func (s *meters) observeClocks(o metric.Observer, q *queueSignals) {
	for i := range q.skewed {
		o.ObserveInt64(s.skewed, q.skewed[i].Load(), q.observed.clocks[i]...)
	}
}
