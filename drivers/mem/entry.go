package mem

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// state says where in its store an entry is.
type state uint8

const (
	gone    state = iota // acked or moved
	ready                // visible, or behind the head of its group
	delayed              // sent with a delay
	leased               // held by current
	hidden               // released with a delay
	states
)

// entry is one stored message. Its fields but content and number are guarded by
// the broker's mu. What a settle needs stands together and first: with a million
// entries its time is that of fetching them from memory.
type entry struct {
	due.Slot[*entry] // when delayed, leased or hidden

	state    state
	attempts int32
	until    time.Duration // when it becomes visible; its place in the heap may be earlier
	current  *lease        // the lease that holds it, when leased
	group    *group        // of an ordered store, when it has a key
	cohort   *cohort       // of its age
	waiting  link          // in the ready list or in its group

	number  uint64  // in the order of arrival at the broker; set once
	content content // immutable once stored
}

// lease is one delivery of an entry. It is immutable.
type lease struct {
	entry    *entry
	store    *store
	attempt  int
	received time.Time
	expires  time.Time
}

func (l *lease) Message() driver.Message { return l.entry.content.message(l.store.broker.start) }
func (l *lease) Attempt() int            { return l.attempt }
func (l *lease) Received() time.Time     { return l.received }
func (l *lease) Expires() time.Time      { return l.expires }

func (l *lease) As(target any) bool {
	p, ok := target.(**lease)
	if ok {
		*p = l
	}
	return ok
}

var _ driver.Lease = (*lease)(nil)
