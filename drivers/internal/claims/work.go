// Package claims has each lease of a driver under one operation at a time: an extend
// and a settle of the same lease wait for each other, and what comes after a settle
// is refused.
package claims

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Lateness is how long after its end a lease may be claimed.
type Lateness int

const (
	Never     Lateness = iota
	UntilOver          // as long as the broker may still have it
	Always
)

// Lease is a driver's own lease.
type Lease interface {
	comparable
	State() *State
}

// Claim is a lease on which an operation is under way.
type Claim[L Lease] struct {
	Index int // of the item
	Lease L
}

// Work is an operation on the leases of a batch.
type Work[L Lease] struct {
	Errs  []error              // by item
	Check func(i int) error    // what else is refused; nil for nothing
	Late  func(i int) Lateness // how far the lease may be past its end; nil for Never

	op    string
	of    func(i int) driver.Lease
	mine  func(L) bool
	found L // what own found last; here, so that looking costs no memory
}

// New is an operation op on n leases, of which of gives those of each item. Mine says
// whether a lease is one of the source that is operated on.
func New[L Lease](op string, n int, of func(i int) driver.Lease, mine func(L) bool) *Work[L] {
	return &Work[L]{Errs: make([]error, n), op: op, of: of, mine: mine}
}

// Do claims the leases and calls f with those that it got, which frees them. Those on
// which another operation is under way it waits for afterwards, with none claimed, so
// that two batches cannot wait for each other. Items that are refused, or still
// waited for when ctx ends, have their error in Errs, and f is not called for them.
func (w *Work[L]) Do(ctx context.Context, f func(claimed []Claim[L])) {
	n := len(w.Errs)
	claimed := make([]Claim[L], 0, n)
	var busy []Claim[L]
	now := time.Now()
	for i := range n {
		l, err := w.own(i)
		if err != nil {
			w.Errs[i] = err
			continue
		}
		claimed, busy = w.try(Claim[L]{i, l}, now, claimed, busy)
	}
	for {
		if len(claimed) > 0 {
			f(claimed)
		}
		if len(busy) == 0 {
			return
		}
		if err := busy[0].Lease.State().wait(ctx, w.op); err != nil {
			for _, c := range busy {
				w.Errs[c.Index] = err
			}
			return
		}
		again := busy
		claimed, busy = claimed[:0], nil
		now = time.Now()
		for _, c := range again {
			claimed, busy = w.try(c, now, claimed, busy)
		}
	}
}

// own is the driver's part of an item's lease, which must be one of the source.
func (w *Work[L]) own(i int) (L, error) {
	l := w.of(i)
	switch {
	case l == nil || !l.As(&w.found) || !w.mine(w.found):
		return w.found, driver.Errorf(driver.InvalidArgument, w.op, "the lease is not one of this queue")
	case w.Check != nil:
		return w.found, w.Check(i)
	}
	return w.found, nil
}

// try claims one lease and puts it on the list on which it belongs.
func (w *Work[L]) try(c Claim[L], now time.Time, claimed, busy []Claim[L]) (newClaimed, newBusy []Claim[L]) {
	late := Never
	if w.Late != nil {
		late = w.Late(c.Index)
	}
	switch ok, err := c.Lease.State().claim(w.op, now, late); {
	case err != nil:
		w.Errs[c.Index] = err
	case ok:
		claimed = append(claimed, c)
	default:
		busy = append(busy, c)
	}
	return claimed, busy
}
