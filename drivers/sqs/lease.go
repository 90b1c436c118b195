package sqs

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// lease is one delivery. What it says is immutable; what stands under mu is what
// the driver remembers of it, as Amazon SQS does not say whether a lease has ended.
type lease struct {
	source   *source
	message  driver.Message
	handle   string // of the receipt
	original original
	attempt  int
	received time.Time
	expires  time.Time

	mu     sync.Mutex
	end    time.Time     // by the local clock, extensions included; guarded by mu
	busy   bool          // an operation is under way; guarded by mu
	ended  bool          // it was settled, or the broker said that it is lost; guarded by mu
	freed  chan struct{} // closed when the operation under way ends, if anybody waits; guarded by mu
	sendID string        // of the copy that a Bury or Redrive sends; owned by the operation under way
	copied bool          // that copy is stored, and the message is not deleted yet; as sendID
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

// claim begins an operation on the lease. It is false, without an error, while
// another is under way, and LeaseLost when the lease has ended: settled, or past
// its end, which an Ack may be.
func (l *lease) claim(op string, now time.Time, late bool) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.busy:
		return false, nil
	case l.ended:
		return false, driver.Errorf(driver.LeaseLost, op, "the lease was settled, or is lost")
	case !late && !now.Before(l.end):
		return false, driver.Errorf(driver.LeaseLost, op, "the lease has expired")
	}
	l.busy = true
	return true, nil
}

// free ends an operation. End is the lease's new end, zero for as it was; ended
// says that nothing more can be done with the lease.
func (l *lease) free(end time.Time, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy, l.ended = false, ended
	if !end.IsZero() {
		l.end = end
	}
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// mayEnd notes that the lease may end at end already.
func (l *lease) mayEnd(end time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end.Before(l.end) {
		l.end = end
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
// the answer of a long poll was made is not known.
func margin(hold time.Duration) time.Duration { return max(time.Second, hold/10) }

// Adopt makes a lease of a message that a serverless platform received. Reserved
// attributes among m's are read. Its end counts from received by the queue's own
// hold, as Policy has read it or the URL declares it, else by the default of Amazon
// SQS, 30 s.
func (q *Queue) Adopt(handle string, m driver.Message, attempt int, received time.Time) driver.Lease {
	hold := 30 * time.Second
	if s := q.settings.Load(); s != nil && s.hold > 0 {
		hold = s.hold
	} else if q.options.Hold != 0 {
		hold = q.options.Hold
	}
	_, carries := m.Attributes[driver.AttributeCarry]
	_, died := m.Attributes[driver.AttributeDeath]
	if carries || died {
		driver.UnpackAttributes(&m, maps.Clone(m.Attributes))
	}
	l := &lease{source: &q.source, message: m, handle: handle, attempt: attempt, received: received}
	l.expires = received.Add(hold - margin(hold))
	l.end = l.expires
	if q.options.UnwrapSNS {
		l.unwrap(string(m.Body), nil)
	}
	return l
}

var _ driver.Lease = (*lease)(nil)
