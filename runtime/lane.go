package runtime

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// lane is a worker's part of one queue.
type lane struct {
	worker *Worker
	queue  *QueueInfo
	logger *slog.Logger
	start  time.Time     // what times of held count from
	hold   time.Duration // of a lease; from the start-up check
	// within makes the context of a call to the broker, which ends after d and
	// with the worker; set by Run.
	within func(d time.Duration) (context.Context, context.CancelFunc)

	calls   sync.WaitGroup // extenders and settlers
	extra   sync.WaitGroup // pollers beside the first
	pollers atomic.Int32   // how many those are
	wake    chan struct{}  // capacity 1, never closed; wakes the keeper
	stopped chan struct{}  // closed by Run to end the keeper

	mu        sync.Mutex
	book      due.Heap[*held] // guarded by mu; every held but those in settle
	armed     time.Duration   // guarded by mu; when the keeper wakes, 0 for never
	toExtend  []*held         // guarded by mu; some may be decided or lost since
	extenders int             // guarded by mu
	toSettle  []*held         // guarded by mu
	settlers  int             // guarded by mu
	ended     []ending        // guarded by mu; to be reported by unlock
	abandoned bool            // guarded by mu; the drain is over, nothing is retried
}

// ending is a delivery that the worker is done with.
type ending struct {
	held *held
	err  error
}

func newLane(w *Worker, q *QueueInfo) *lane {
	return &lane{
		worker: w, queue: q, start: time.Now(), hold: w.options.Hold,
		logger:  w.options.Logger.With("queue", q.Name),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
}

// now is the time on the lane's own scale.
func (l *lane) now() time.Duration { return time.Since(l.start) }

// since is t on the lane's own scale.
func (l *lane) since(t time.Time) time.Duration { return t.Sub(l.start) }

// note enters h in the book for when it is next due. The caller holds mu.
func (l *lane) note(h *held) {
	at := h.due()
	l.book.Set(h, at)
	if l.armed == 0 || at < l.armed {
		l.armed = at
		select {
		case l.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// take enters freshly leased messages.
func (l *lane) take(leases []driver.Lease) []*held {
	all := make([]*held, len(leases))
	together := make([]held, len(leases))
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, lease := range leases {
		h := &together[i]
		h.lane, h.lease, h.id = l, lease, lease.Message().ID
		received := l.since(lease.Received())
		h.expires = l.since(lease.Expires())
		h.extendAt = received + third(h.expires-received, h)
		l.note(h)
		all[i] = h
	}
	return all
}

// third is when to extend a lease that runs for hold: after a third of it, less
// up to a fifth of that, so that leases received together spread.
func third(hold time.Duration, h *held) time.Duration {
	d := hold / 3
	return d - time.Duration(spread(h.id, h.extends)*float64(d/5))
}

// begin marks h as running under the given cancel function; false when its lease
// was lost in the meantime or the worker drains.
func (l *lane) begin(h *held, cancel context.CancelCauseFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.state != lost && h.expires <= l.now() {
		l.lose(h, errExpired) // the keeper is late
	}
	// Drain sets draining before it takes mu to tell the handlers, so none is
	// missed.
	if h.state == lost || l.worker.draining.Load() {
		return false
	}
	h.state, h.cancel = running, cancel
	return true
}

// finish ends the worker's part in a delivery that is decided. The caller holds
// mu, has taken h from the book, and ends with unlock.
func (l *lane) finish(h *held, err error) {
	h.state = lost // an extender may still have it
	l.ended = append(l.ended, ending{h, err})
}

// unlock unlocks mu and then reports what was finished under it.
func (l *lane) unlock() {
	ended := l.ended
	l.ended = nil
	l.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	for _, e := range ended {
		l.report(e.held, e.err)
		// Those leased together are one piece of memory, which must not keep the
		// message of one for as long as another runs.
		e.held.lease, e.held.decision = nil, Decision{}
	}
	w := l.worker
	w.room.leave(len(ended))
	if w.pending.Add(int64(-len(ended))) == 0 {
		select {
		case w.idle <- struct{}{}:
		default:
		}
	}
}

// report says how a delivery ended.
func (l *lane) report(h *held, err error) {
	s := &h.decision.Settlement
	if err != nil && s.Lease != nil {
		l.logger.Warn("a message was not settled and may come back",
			"message", h.id, "verdict", s.Verdict.String(), "error", err)
	}
	if on := l.worker.options.OnSettled; on != nil {
		on(Settled{Queue: l.queue.Name, MessageID: h.id, Decision: h.decision, Err: err})
	}
}
