package runtime

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
	"github.com/longshore-dev/longshore/internal/recent"
)

// lane is a worker's part of one queue.
type lane struct {
	worker  *Worker
	queue   *QueueInfo
	share   *share // of the worker's schedule
	logger  *slog.Logger
	signals *queueSignals // nil without telemetry
	start   time.Time     // what times of held count from
	ask     time.Duration // the hold that the queue is asked for; 0 for its own
	hold    time.Duration // of a lease; from the start-up check
	// brokerLimit is after how many deliveries the broker itself buries a message;
	// from the start-up check.
	brokerLimit int
	alsoSentTo  string // who else gets the tasks of the queue; from the start-up check
	// within makes the context of a call to the broker, which ends after d and
	// with the worker; set by Run.
	within func(d time.Duration) (context.Context, context.CancelFunc)

	calls   sync.WaitGroup // extenders and settlers
	extra   sync.WaitGroup // pollers beside the first
	pollers atomic.Int32   // how many those are
	found   atomic.Bool    // whether the last receive has leased something
	pulse   pulse
	wake    chan struct{} // capacity 1, never closed; wakes the keeper
	stopped chan struct{} // closed by Run to end the keeper

	mu           sync.Mutex
	book         due.Heap[*held]              // guarded by mu; every held but those in settle
	armed        time.Duration                // guarded by mu; when the keeper wakes, 0 for never
	toExtend     []*held                      // guarded by mu; some may be decided or lost since
	extenders    int                          // guarded by mu
	toSettle     []*held                      // guarded by mu
	settlers     int                          // guarded by mu
	settlesMoved time.Duration                // guarded by mu; when a settler last took from toSettle
	linger       linger                       // guarded by mu
	byID         map[string]*held             // guarded by mu; all that are not finished
	groups       map[string]*group            // guarded by mu; those of which a message is held
	behind       recent.Map[string, int]      // guarded by mu; held.behind by the broker's id, of messages that were given back
	forks        recent.Map[string, struct{}] // guarded by mu; broker's ids of messages whose copy was sent and whose ack failed
	ended        []ending                     // guarded by mu; to be reported by unlock
	offered      []*held                      // guarded by mu; to be put in line for a runner by unlock
	returned     []*held                      // guarded by mu; to be given back by unlock
	said         []func()                     // guarded by mu; to be logged by unlock
	abandoned    bool                         // guarded by mu; the drain is over, nothing is retried
}

// ending is a delivery that the worker is done with.
type ending struct {
	held *held
	err  error
}

func newLane(w *Worker, q *QueueInfo) *lane {
	signals := w.mux.telemetry.queue(q)
	if signals != nil {
		signals.worked.Store(true)
		signals.leased.Store(true)
	}
	return &lane{
		signals: signals,
		worker:  w, queue: q, share: w.schedule.add(q), start: time.Now(), ask: cmp.Or(q.Hold, w.options.Hold),
		logger:  w.options.Logger.With("queue", q.Name),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		linger:  linger{filled: make(chan struct{}, 1)},
		byID:    make(map[string]*held), groups: make(map[string]*group),
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
	l.arm(at)
}

// arm has the keeper look at the latest then. The caller holds mu.
func (l *lane) arm(at time.Duration) {
	if l.armed == 0 || at < l.armed {
		l.armed = at
		select {
		case l.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// takeAtOnce is how many leases are entered before the first of them can run:
// runners wait for mu meanwhile.
const takeAtOnce = 64

// take enters freshly leased messages, hands to the runners what can run, and
// says how many are new: one that the worker has already is no other task.
func (l *lane) take(leases []driver.Lease) (taken int) {
	gates := l.gatesOf(leases)
	together := make([]held, len(leases))
	ready := make([]*held, len(leases))
	for from := 0; from < len(leases); from += takeAtOnce {
		to := min(from+takeAtOnce, len(leases))
		var some []*gate
		if gates != nil {
			some = gates[from:to]
		}
		taken += l.takeSome(leases[from:to], some, together[from:to], ready[from:from:to])
	}
	return taken
}

// takeSome does the work of take on some of the leases, in memory that is theirs.
func (l *lane) takeSome(leases []driver.Lease, gates []*gate, fresh []held, ready []*held) (taken int) {
	l.mu.Lock()
	defer l.unlock()
	for i, lease := range leases {
		m := lease.Message()
		if old := l.byID[m.ID]; old != nil {
			l.join(old, lease)
			continue
		}
		h := &fresh[i]
		if gates != nil {
			h.gate = gates[i]
		}
		if l.admit(h, lease, &m) {
			ready = append(ready, h)
		}
		taken++
	}
	l.offer(ready...)
	return taken
}

// gatesOf are the gates of the messages' kinds; nil where no kind has a limit.
func (l *lane) gatesOf(leases []driver.Lease) []*gate {
	if len(l.worker.schedule.kinds) == 0 {
		return nil
	}
	gates := make([]*gate, len(leases))
	for i, lease := range leases {
		m := lease.Message()
		gates[i] = l.worker.schedule.kinds[l.worker.mux.handlerFor(&m)]
	}
	return gates
}

// admit makes h that of a message which just came, and says whether it can run at
// once. The caller holds mu.
func (l *lane) admit(h *held, lease driver.Lease, m *driver.Message) bool {
	h.lane, h.id = l, m.ID
	h.hold(lease)
	_, h.fork = l.forks.Get(h.id)
	h.behind, _ = l.behind.Get(h.id)
	l.byID[h.id] = h
	if l.signals != nil {
		l.signals.held.Add(1)
	}
	l.note(h)
	return l.enterGroup(h, m.GroupKey)
}

// hold makes lease the one that h has. The caller holds mu.
func (h *held) hold(lease driver.Lease) {
	h.lease, h.next, h.lossTold = lease, nil, false
	received := h.lane.since(lease.Received())
	h.expires = h.lane.since(lease.Expires())
	h.extendAt = received + h.lane.third(h.expires-received, received)
}

// offer puts some in line for a runner, or gives them back once the worker drains:
// when mu is unlocked, for a runner needs it to begin. The caller holds mu and ends
// with unlock.
func (l *lane) offer(all ...*held) {
	for _, h := range all {
		l.claim(h)
	}
	if l.offered == nil {
		l.offered = all
	} else {
		l.offered = append(l.offered, all...)
	}
	l.worker.pending.Add(int64(len(all))) // until they are in line, or given back
}

// third is when to extend a lease that runs for hold: after a third of it, less
// up to a fifth of that, so that batches spread. Those received or extended in
// one call, which began at since, stay together, so that calls are full and what
// they have lies together in memory.
func (l *lane) third(hold, since time.Duration) time.Duration {
	d := hold / 3
	return d - time.Duration(spread(l.queue.Name, int(since))*float64(d/5))
}

// begin marks h as running under the given context and answers its lease;
// nil when that was lost in the meantime or the worker drains.
func (l *lane) begin(h *held, c *cancelable) driver.Lease {
	defer l.worker.schedule.begun()
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.state != lost && h.expires <= l.now() {
		l.lose(h, errExpired) // the keeper is late
	}
	// Drain sets draining before it takes mu to tell the handlers, so none is
	// missed.
	if h.state == lost || l.worker.draining.Load() {
		return nil
	}
	h.state, h.ends = running, c
	return h.lease
}

// finish ends the worker's part in a delivery that is decided. The caller holds
// mu, has taken h from the book, and ends with unlock.
func (l *lane) finish(h *held, err error) {
	h.state = lost // an extender may still have it
	delete(l.byID, h.id)
	l.claim(h)
	if h.late {
		l.worker.schedule.settlesLate(l.share, -1)
	}
	if h.copied && err != nil {
		l.forks.Add(h.id, struct{}{})
		if l.signals != nil {
			l.signals.forks.Add(1)
		}
	}
	l.leaveGroup(h, err)
	l.ended = append(l.ended, ending{h, err})
}

// say logs once mu is unlocked, because a logger may be slow. The caller holds
// mu and ends with unlock.
func (l *lane) say(f func(*slog.Logger)) { l.said = append(l.said, func() { f(l.logger) }) }

// unlock unlocks mu and then does what it must not be held for.
func (l *lane) unlock() {
	ended, offered, returned, said := l.ended, l.offered, l.returned, l.said
	l.ended, l.offered, l.returned, l.said = nil, nil, nil, nil
	l.mu.Unlock()
	if len(offered) > 0 && !l.worker.schedule.offer(l.share, offered) {
		returned = append(returned, offered...)
	}
	for _, f := range said {
		f()
	}
	for _, h := range returned {
		l.giveBack(h)
	}
	if len(ended) > 0 {
		l.reportAll(ended)
	}
	if n := len(ended) + len(offered); n > 0 {
		l.worker.done(n)
	}
}

// reportAll tells of deliveries that have ended, and gives their room to others.
func (l *lane) reportAll(ended []ending) {
	if l.signals != nil {
		l.signals.held.Add(int64(-len(ended)))
	}
	for _, e := range ended {
		l.report(e.held, e.err)
		// Those leased together are one piece of memory, which must not keep the
		// message of one for as long as another runs.
		e.held.lease, e.held.decision, e.held.exit, e.held.span = nil, Decision{}, nil, nil
	}
	l.worker.schedule.finish(l.share, len(ended))
}

// done takes n off what is pending.
func (w *Worker) done(n int) {
	if w.pending.Add(int64(-n)) == 0 {
		select {
		case w.idle <- struct{}{}:
		default:
		}
	}
}
