package mem

import (
	"bytes"
	"maps"
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
	leased               // held by cur
	hidden               // released with a delay
	states
)

// entry is one stored message. Its fields but message and number are guarded by
// the broker's mu. What a settle needs stands together and first: with a million
// entries its time is that of fetching them from memory.
type entry struct {
	due.Slot // when delayed, leased or hidden

	state    state
	attempts int
	until    time.Duration // when it becomes visible; its place in the heap may be earlier
	current  *lease        // the lease that holds it, when leased
	group    *group        // of an ordered store, when it has a key
	cohort   *cohort       // of its age
	waiting  link          // in the ready list or in its group

	number  uint64         // in the order of arrival at the broker; set once
	message driver.Message // immutable once stored
}

// newEntry copies what the caller keeps.
func newEntry(m *driver.Message) *entry {
	e := &entry{message: *m}
	e.message.SendID = driver.SendIDFor(*m)
	e.message.DedupKey = ""
	e.message.Delay = 0
	e.message.Defect = nil
	e.message.Body = bytes.Clone(m.Body)
	e.message.Attributes = maps.Clone(m.Attributes)
	if m.Death != nil {
		death := *m.Death
		e.message.Death = &death
	}
	return e
}

// lease is one delivery of an entry. It is immutable.
type lease struct {
	entry    *entry
	store    *store
	attempt  int
	received time.Time
	expires  time.Time
}

func (l *lease) Message() driver.Message { return l.entry.message }
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
