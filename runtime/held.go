package runtime

import (
	"math"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// held is one lease that the worker has, from its receive to its settle. At
// most one operation of the queue is under way for it at any time, so that an
// extend never overtakes a settle. All but lane, lease and id are guarded by its
// lane's mu.
type held struct {
	due.Slot[*held] // in the lane's book, from receive until the settle begins or, on a lost lease, the handler returns

	lane  *lane
	lease driver.Lease
	id    string // the broker's, of the message
	gate  *gate  // of its kind; nil for none
	group *group // nil for a message that waits for no other
	fork  bool   // a copy has taken its place: it is only to be acked

	// behind is how many of its deliveries it has spent in this worker behind a
	// failed head of its group.
	behind int

	next   driver.Lease       // of the same message, received since: takes the place of lease when the operation under way has ended
	inLine bool               // it has a place in the line of alone; set by Dispatch, in the runner
	ran    bool               // its handler was called; set by Dispatch, in the runner
	exit   *Decision          // of a handler that ended its goroutine; set by Dispatch, in the runner
	span   *trace.SpanContext // of its last run, if that is recorded; set by Dispatch, in the runner

	seq      int // of its offer; guarded by the mu of the worker's schedule
	state    heldState
	ends     *cancelable // what the handler has for a context; nil when none runs
	decision Decision    // set when decided
	copied   bool        // decision.Copy has been sent
	copyID   string      // the broker's, of the copy
	tries    int         // settles of it that were begun
	ackOnly  bool        // the decision is done, and what came again is to be acked
	lossTold bool        // the loss of lease has been counted
	snoozes  int         // of this lease, in this worker

	roomless  bool          // it takes no part of the worker's room while it waits
	late      bool          // the queue did not take its settle at first, and it takes no room of the other queues
	settling  bool          // a Settle is under way
	extending bool          // an Extend is under way
	extendAt  time.Duration // when the next one is due
	expires   time.Duration // when the lease is taken for lost
	resumeAt  time.Duration // when a parked or snoozed one is due
	settles   int           // tries so far
	settleAt  time.Duration // when the next try is due
	settleEnd time.Duration // when to give up
}

type heldState uint8

const (
	buffered heldState = iota // leased, and waiting for its handler
	running
	parked  // decided, and waiting to be released
	snoozed // waiting for another run
	lining  // waiting for a place in the line of alone
	decided // waiting for its settle
	lost    // expired, superseded or settled; whoever has it drops it
)

// kept says whether the worker keeps the lease without a handler for some time.
// The caller holds mu.
func (h *held) kept() bool { return h.state == parked || h.state == snoozed || h.state == lining }

// due is when the keeper must look at h next.
func (h *held) due() time.Duration {
	if h.state == lost {
		return math.MaxInt64
	}
	at := h.expires
	if h.extending {
		return at
	}
	switch h.state {
	case decided:
		at = min(at, h.settleAt)
	case parked, snoozed, lining:
		at = min(at, h.resumeAt)
	}
	return min(at, h.extendAt)
}

// settlement is what to do with h.
func (h *held) settlement() driver.Settlement {
	s := h.decision.Settlement
	if h.ackOnly {
		return driver.Settlement{Lease: s.Lease, Verdict: driver.Ack}
	}
	return s
}
