package servicebus

import (
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// lease is one delivery. What it says is immutable; state is what the driver
// remembers of it.
type lease struct {
	source   *source
	message  driver.Message
	native   *azservicebus.ReceivedMessage
	attempt  int
	received time.Time
	expires  time.Time
	via      settler         // what it came by
	broken   <-chan struct{} // closed once the link it came by is known to be broken
	session  *session        // nil without sessions

	state  claims.State
	copied bool // the copy of a Redrive is stored, and the message is not completed yet; owned by the operation under way

	tried   bool // a settle by the link that it came by had no answer; owned by the operation under way
	doubted bool // a settle ended without anybody knowing whether it took effect; owned by the operation under way

	over sync.Once     // closes done
	done chan struct{} // closed when the lease was settled; nil without sessions
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
	case **azservicebus.ReceivedMessage:
		m := *l.native
		*p = &m
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

// free ends the operation under way. With ended, nothing more can be done with the
// lease, and its session goes on.
func (l *lease) free(ended bool) {
	l.state.Free(ended)
	if ended && l.done != nil {
		l.over.Do(func() { close(l.done) })
	}
}

// margin is how much earlier than its hold a received lease says that it ends: when
// the lock began is not known.
func margin(hold time.Duration) time.Duration { return max(time.Second, hold/10) }

// claim is a lease on which an operation is under way.
type claim = claims.Claim[*lease]

// work is an operation op on n leases, of which of gives those of each item.
func (s *source) work(op string, n int, of func(i int) driver.Lease) *claims.Work[*lease] {
	return claims.New(op, n, of, func(l *lease) bool { return l.source == s })
}

var _ driver.Lease = (*lease)(nil)
