package pubsub

import (
	"maps"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// lease is one delivery. What it says is immutable; state is what the driver
// remembers of it.
type lease struct {
	source   *source
	message  driver.Message
	handle   string // the ack id; empty for a pushed message
	key      string // the ordering key, which the message shows on an ordered queue only
	attempt  int
	received time.Time
	expires  time.Time

	state  claims.State
	copied bool // the copy of a Bury or Redrive is stored, and the message is not acked yet; owned by the operation under way
}

func (l *lease) Message() driver.Message { return l.message }
func (l *lease) Attempt() int            { return l.attempt }
func (l *lease) Received() time.Time     { return l.received }
func (l *lease) Expires() time.Time      { return l.expires }
func (l *lease) State() *claims.State    { return &l.state }

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

// last sets when a lease that nobody has yet ends, and when the broker has ended it
// at the latest.
func (l *lease) last(end, over time.Time) {
	l.expires = end
	l.state.Last(end, over)
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
	l.last(received.Add(hold-margin(hold)), received.Add(hold))
	return l
}

// claim is a lease on which an operation is under way.
type claim = claims.Claim[*lease]

// work is an operation op on n leases, of which of gives those of each item.
func (s *source) work(op string, n int, of func(i int) driver.Lease) *claims.Work[*lease] {
	return claims.New(op, n, of, func(l *lease) bool { return l.source == s })
}

var _ driver.Lease = (*lease)(nil)
