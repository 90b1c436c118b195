package runtime

import (
	"context"
	"math"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// held is one lease that the worker has, from its receive to its settle. At
// most one operation of the queue is under way for it at any time, so that an
// extend never overtakes a settle. All but lane, lease and id are guarded by its
// lane's mu.
type held struct {
	due.Slot // in the lane's book, from receive until the settle begins or, on a lost lease, the handler returns

	lane  *lane
	lease driver.Lease
	id    string // the broker's, of the message

	state    heldState
	cancel   context.CancelCauseFunc // of the handler; nil when none runs
	decision Decision                // set when decided
	copied   bool                    // decision.Copy has been sent

	extending bool          // an Extend is under way
	extends   int           // how many there were
	extendAt  time.Duration // when the next one is due
	expires   time.Duration // when the lease is taken for lost
	settles   int           // tries so far
	settleAt  time.Duration // when the next try is due
	settleEnd time.Duration // when to give up
}

type heldState uint8

const (
	buffered heldState = iota // leased, handler not started
	running
	decided // waiting for its settle
	lost    // expired, superseded or settled; whoever has it drops it
)

// due is when the keeper must look at h next.
func (h *held) due() time.Duration {
	if h.state == lost {
		return math.MaxInt64
	}
	at := h.expires
	if h.extending {
		return at
	}
	if h.state == decided {
		at = min(at, h.settleAt)
	}
	return min(at, h.extendAt)
}
