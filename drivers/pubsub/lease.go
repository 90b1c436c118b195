package pubsub

import (
	"context"
	"maps"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// lease is one delivery. What it says is immutable; what stands under mu is what
// the driver remembers of it, as Pub/Sub does not say whether a lease has ended.
type lease struct {
	source   *source
	message  driver.Message
	handle   string // the ack id; empty for a pushed message
	key      string // the ordering key, which the message shows on an ordered queue only
	attempt  int
	received time.Time
	expires  time.Time

	mu     sync.Mutex
	end    time.Time     // by the local clock, extensions included; guarded by mu
	over   time.Time     // when the broker has ended it at the latest; guarded by mu
	busy   bool          // an operation is under way; guarded by mu
	ended  bool          // it was settled, or the broker said that it is lost; guarded by mu
	freed  chan struct{} // closed when the operation under way ends, if anybody waits; guarded by mu
	copied bool          // the copy of a Bury or Redrive is stored, and the message is not acked yet; owned by the operation under way
}

func (l *lease) Message() driver.Message { return l.message }
func (l *lease) Attempt() int            { return l.attempt }
func (l *lease) Received() time.Time     { return l.received }
func (l *lease) Expires() time.Time      { return l.expires }

func (l *lease) As(target any) bool {
	switch p := target.(type) {
	case **lease:
		*p = l
	case **pubsubpb.ReceivedMessage:
		*p = &pubsubpb.ReceivedMessage{
			AckId: l.handle, DeliveryAttempt: int32(l.attempt),
			Message: &pubsubpb.PubsubMessage{MessageId: l.message.ID, OrderingKey: l.key},
		}
	default:
		return false
	}
	return true
}

// lateness is how long after its end a lease may be claimed.
type lateness int

const (
	never     lateness = iota
	untilOver          // as long as the broker may still have it
	always
)

// claim begins an operation on the lease. It is false, without an error, while
// another is under way, and LeaseLost when the lease has ended: settled, or past
// its end, which some operations may be.
func (l *lease) claim(op string, now time.Time, late lateness) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.busy:
		return false, nil
	case l.ended:
		return false, driver.Errorf(driver.LeaseLost, op, "the lease was settled, or is lost")
	case late == never && !now.Before(l.end), late == untilOver && !now.Before(l.over):
		return false, driver.Errorf(driver.LeaseLost, op, "the lease has expired")
	}
	l.busy = true
	return true, nil
}

// free ends an operation. End and over are the lease's new ones, zero for as they
// were; ended says that nothing more can be done with the lease.
func (l *lease) free(end, over time.Time, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy, l.ended = false, ended
	if !end.IsZero() {
		l.end, l.over = end, over
	}
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// past says whether the lease is past its end.
func (l *lease) past(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !now.Before(l.end)
}

// mayEnd notes that the lease may end at end already, or last until over.
func (l *lease) mayEnd(end, over time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end.Before(l.end) {
		l.end = end
	}
	if over.After(l.over) {
		l.over = over
	}
}

// wait waits until no operation is under way, without beginning one.
func (l *lease) wait(ctx context.Context, op string) error {
	l.mu.Lock()
	if !l.busy {
		l.mu.Unlock()
		return nil
	}
	if l.freed == nil {
		l.freed = make(chan struct{})
	}
	freed := l.freed
	l.mu.Unlock()
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return driver.ContextError(ctx, op)
	}
}

// margin is how much earlier than its hold a received lease says that it ends: when
// the answer of a Pull was made is not known.
func margin(hold time.Duration) time.Duration { return max(time.Second, hold/10) }

// Adopt makes a lease of a message that somebody else received. With an ack id as
// the handle it is like any other. A message that was pushed has none, and is acked
// or given back by the answer to its request: of its verdicts only Bury is done
// here, which publishes the copy; the others are Unsupported, as is Extend.
//
// Reserved attributes among m's are read. The lease's end counts from received by
// the subscription's ack deadline, as Policy has read it or the URL declares it,
// else by Pub/Sub's default, 10 s.
func (q *Queue) Adopt(handle string, m driver.Message, attempt int, received time.Time) driver.Lease {
	hold := q.source.settings.Load().hold()
	if hold == 0 {
		hold = q.options.Hold
	}
	if hold == 0 {
		hold = minHold
	}
	l := &lease{source: &q.source, message: m, handle: handle, attempt: max(0, attempt), received: received, key: m.GroupKey}
	if !q.capabilities.Ordered {
		l.message.GroupKey = ""
	}
	if packed(m.Attributes) {
		q.source.unpack(l, maps.Clone(m.Attributes))
	}
	l.expires = received.Add(hold - margin(hold))
	l.end, l.over = l.expires, received.Add(hold)
	return l
}

var _ driver.Lease = (*lease)(nil)
