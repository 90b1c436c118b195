package mem

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// store holds the messages of a queue or of its dead letter. All of it is
// guarded by the broker's mu. Nothing in it scans: visible entries wait in a
// list, and all others in a heap by the time at which they become visible. Only
// with GroupBatches one of a group that comes back passes those before it.
type store struct {
	broker  *broker
	ordered bool

	visible list              // heads of groups and entries without one
	later   due.Heap[*entry]  // delayed, leased and hidden
	ages    ages              // of all entries
	groups  map[string]*group // with at least one entry; ordered only
	unsent  map[string]*entry // by id; those that are delayed
	count   [states]int64     // entries by state

	receivers []*receiver // that wait, first come first
	timer     *time.Timer // runs wake when the first of later is due; made on first use
	armed     bool        // the timer is set for armedAt
	armedAt   time.Duration
	stopped   bool
}

func (s *store) init(b *broker, ordered bool) {
	s.broker, s.ordered = b, ordered
	s.unsent = make(map[string]*entry)
	if ordered {
		s.groups = make(map[string]*group)
	}
}

func (s *store) total() int64 {
	return s.count[ready] + s.count[delayed] + s.count[leased] + s.count[hidden]
}

func (s *store) set(e *entry, to state) {
	if e.state != gone {
		s.count[e.state]--
	}
	if to != gone {
		s.count[to]++
	}
	switch {
	case e.state == delayed:
		delete(s.unsent, e.content.id)
	case to == delayed:
		s.unsent[e.content.id] = e
	}
	e.state = to
}

// add takes in a new entry, visible at once with a due time of 0.
func (s *store) add(e *entry, at time.Duration, now time.Time) {
	e.cohort = s.ages.enter(now)
	if at > 0 {
		s.set(e, delayed)
		s.wait(e, at)
		return
	}
	s.set(e, ready)
	if s.ordered && e.content.group != "" {
		s.join(e)
		return
	}
	s.visible.pushBack(e)
}

// show makes an entry visible that was delayed, leased or hidden.
func (s *store) show(e *entry) {
	s.later.Remove(e)
	e.current = nil
	s.set(e, ready)
	if e.group != nil {
		s.comeBack(e)
		return
	}
	s.visible.pushBack(e)
}

// wait keeps an invisible entry so until the given time.
func (s *store) wait(e *entry, until time.Duration) {
	// An extended lease keeps its place: most are settled before they get there,
	// and advance moves the others.
	if !e.In() || until < e.until {
		s.later.Set(e, until)
	}
	e.until = until
}

// hide makes a leased entry invisible until the due time, or visible at once
// with one of 0.
func (s *store) hide(e *entry, at time.Duration, now time.Time) {
	e.current = nil
	switch {
	case at > 0:
		s.set(e, hidden)
		s.wait(e, at)
	case s.exhausted(e):
		s.broker.backstop(e, now)
	default:
		s.show(e)
	}
}

// drop takes out an entry that is not visible.
func (s *store) drop(e *entry) {
	s.later.Remove(e)
	s.ages.leave(e.cohort)
	s.set(e, gone)
	e.current = nil
	if e.group != nil {
		s.leave(e)
	}
}

// exhausted says whether e was delivered as often as the queue allows.
func (s *store) exhausted(e *entry) bool {
	o := &s.broker.options
	return s == &s.broker.live && !o.NoDeadLetter && int(e.attempts) >= o.MaxReceives
}

// advance makes visible what is due at now, and buries what the queue gives up.
func (s *store) advance(now time.Time) {
	at := s.broker.since(now)
	buried := false
	for {
		e, ok := s.later.Due(at)
		if !ok {
			break
		}
		if e.until > at {
			s.later.Set(e, e.until)
			continue
		}
		if e.state != delayed && s.exhausted(e) {
			s.broker.backstop(e, now)
			buried = true
			continue
		}
		s.show(e)
	}
	if buried {
		s.broker.dead.serve(now)
	}
}

// take leases up to limit visible entries until now + hold.
func (s *store) take(limit int, hold time.Duration, now time.Time) []driver.Lease {
	limit = min(limit, int(s.count[ready]))
	if limit == 0 {
		return nil
	}
	var leases []driver.Lease
	expires := now.Add(hold)
	at := s.broker.since(expires)
	for len(leases) < limit {
		e := s.visible.front()
		if e == nil {
			break
		}
		if leases == nil {
			leases = make([]driver.Lease, 0, limit)
		}
		s.visible.remove(e)
		for next := e; next != nil; {
			e = next
			e.attempts++
			e.current = &lease{e, s, int(e.attempts), now, expires}
			s.set(e, leased)
			s.wait(e, at)
			leases = append(leases, e.current)
			next = nil
			if g := e.group; g != nil {
				g.goOut(e)
				if s.broker.options.GroupBatches && len(leases) < limit {
					next = g.behind.front()
				}
			}
		}
	}
	return leases
}
