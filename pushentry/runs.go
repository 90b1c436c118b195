package pushentry

import (
	"context"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// run is one message at work, and the requests that wait for what becomes of it.
type run struct {
	route   *route
	id      string // of the message
	done    chan struct{}
	answer  answer       // written before done is closed
	lease   driver.Lease // the newest; guarded by runs.mu
	waiting int          // requests; guarded by runs.mu
	// stop ends the handler's context; nil until it has one; guarded by runs.mu.
	stop context.CancelCauseFunc
}

// runs are the messages at work, by queue and id. It is safe for concurrent use.
type runs struct {
	most int // that may join

	mu      sync.Mutex // guards what follows, and parts of each run
	all     map[runKey]*run
	joined  int  // requests that wait beside the first
	closing bool // no run begins
	cutting bool // handlers have been told
	empty   chan struct{}
}

type runKey struct {
	route *route
	id    string
}

func newRuns(most int) *runs {
	return &runs{most: most, all: make(map[runKey]*run), empty: make(chan struct{})}
}

// entry is how a request came to its run.
type entry uint8

const (
	entryFirst  entry = iota // it is to begin it
	entryJoined              // it runs already
	entryFull                // too many wait beside others
	entryClosed              // no run begins any more
)

// enter finds the run of a message, or makes it. Who has entered has to leave.
func (rs *runs) enter(q *route, lease driver.Lease) (*run, entry) {
	key := runKey{q, lease.Message().ID}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	x := rs.all[key]
	switch {
	case rs.closing: // an answer may not get out any more
		return nil, entryClosed
	case x == nil:
		x = &run{route: q, id: key.id, done: make(chan struct{}), lease: lease, waiting: 1}
		rs.all[key] = x
		return x, entryFirst
	case rs.joined >= rs.most:
		return nil, entryFull
	}
	rs.joined++
	x.waiting++
	if lease.Expires().After(x.lease.Expires()) {
		x.lease = lease
	}
	return x, entryJoined
}

// leave is for a request that waits no longer.
func (rs *runs) leave(x *run, how entry) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	x.waiting--
	if how == entryJoined {
		rs.joined--
	}
}

// begin gives a run the means to stop its handler.
func (rs *runs) begin(x *run, stop context.CancelCauseFunc) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if x.stop = stop; rs.cutting {
		stop(runtime.ErrDraining)
	}
}

// newest is the lease by which a run is settled, and whether anybody waits for it.
func (rs *runs) newest(x *run) (lease driver.Lease, awaited bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return x.lease, x.waiting > 0 && time.Now().Before(x.lease.Expires())
}

// end answers all that wait for a run. A push of the message begins another then.
func (rs *runs) end(x *run, a answer) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	x.answer = a
	close(x.done)
	delete(rs.all, runKey{x.route, x.id})
	rs.tellEmpty()
}

// close has no run begin any more. What it answers is closed when none is left.
func (rs *runs) close() (empty <-chan struct{}) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if !rs.closing {
		rs.closing = true
		rs.tellEmpty()
	}
	return rs.empty
}

// tellEmpty closes empty once. The caller holds mu.
func (rs *runs) tellEmpty() {
	if rs.closing && len(rs.all) == 0 {
		close(rs.empty)
	}
}

func (rs *runs) closed() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.closing
}

// cut ends the contexts of all handlers.
func (rs *runs) cut() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.cutting = true
	for _, x := range rs.all {
		if x.stop != nil {
			x.stop(runtime.ErrDraining)
		}
	}
}

func (rs *runs) count() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return len(rs.all)
}
