package sqs

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// lease is one delivery. What it says is immutable; state is what the driver
// remembers of it.
type lease struct {
	source   *source
	message  driver.Message
	handle   string // of the receipt
	original original
	attempt  int
	received time.Time
	expires  time.Time

	state  claims.State
	sendID string // of the copy that a Bury or Redrive sends; owned by the operation under way
	copied bool   // that copy is stored, and the message is not deleted yet; as sendID
}

// original is what the broker stored, where the message shows something else.
type original struct {
	body       *string                                // nil: as the message has it
	attributes map[string]types.MessageAttributeValue // nil: as the message has them
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
	case **types.Message:
		*p = &types.Message{MessageId: aws.String(l.message.ID), ReceiptHandle: aws.String(l.handle)}
	default:
		return false
	}
	return true
}

// margin is how much earlier than its hold a received lease says that it ends: when
// the answer of a long poll was made is not known.
func margin(hold time.Duration) time.Duration { return max(time.Second, hold/10) }

// Adopt makes a lease of a message that a serverless platform received. Reserved
// attributes among m's are read, and a GroupKey of m is taken for its message group
// id, whatever that stands for on the queue. Its end counts from received by the queue's own
// hold, as Policy has read it or the URL declares it, else by the default of Amazon
// SQS, 30 s.
func (q *Queue) Adopt(handle string, m driver.Message, attempt int, received time.Time) driver.Lease {
	hold := 30 * time.Second
	if s := q.settings.Load(); s != nil && s.hold > 0 {
		hold = s.hold
	} else if q.options.Hold != 0 {
		hold = q.options.Hold
	}
	if id := m.GroupKey; id != "" {
		m.GroupKey = ""
		setGroup(&m, id, q.capabilities.Ordered)
	}
	_, carries := m.Attributes[driver.AttributeCarry]
	_, died := m.Attributes[driver.AttributeDeath]
	if carries || died {
		driver.UnpackAttributes(&m, maps.Clone(m.Attributes))
	}
	l := &lease{source: &q.source, message: m, handle: handle, attempt: attempt, received: received}
	l.expires = received.Add(hold - margin(hold))
	l.state.Last(l.expires, l.expires)
	if q.options.UnwrapSNS {
		l.unwrap(string(m.Body), nil)
	}
	return l
}

// claim is a lease on which an operation is under way.
type claim = claims.Claim[*lease]

// work is an operation op on n leases, of which of gives those of each item.
func (s *source) work(op string, n int, of func(i int) driver.Lease) *claims.Work[*lease] {
	return claims.New(op, n, of, func(l *lease) bool { return l.source == s })
}

var _ driver.Lease = (*lease)(nil)
