package pubsub

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// work is an operation on the leases of a batch, of which each has one operation
// at a time.
type work struct {
	source *source
	op     string
	errs   []error                  // by item
	of     func(i int) driver.Lease // the lease of an item
	check  func(i int) error        // what else is refused; nil for nothing
	late   func(i int) lateness     // how far the lease may be past its end; nil for never

	found *lease // what own found last; here, so that looking costs no memory
}

// claim is a lease on which this operation is under way.
type claim struct {
	index int // of the item
	lease *lease
}

// do claims the leases of n items and calls f with those that it got, which frees
// them. Those on which another operation is under way it waits for afterwards,
// with none claimed, so that two batches cannot wait for each other.
func (w *work) do(ctx context.Context, n int, f func(claimed []claim)) {
	claimed := make([]claim, 0, n)
	var busy []claim
	now := time.Now()
	for i := range n {
		l, err := w.own(w.of(i))
		if err == nil && w.check != nil {
			err = w.check(i)
		}
		if err != nil {
			w.errs[i] = err
			continue
		}
		claimed, busy = w.try(claim{i, l}, now, claimed, busy)
	}
	for {
		if len(claimed) > 0 {
			f(claimed)
		}
		if len(busy) == 0 {
			return
		}
		if err := busy[0].lease.wait(ctx, w.op); err != nil {
			for _, c := range busy {
				w.errs[c.index] = err
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

// own is the driver's part of l, which must be a lease of the source.
func (w *work) own(l driver.Lease) (*lease, error) {
	if l == nil || !l.As(&w.found) || w.found.source != w.source {
		return nil, driver.Errorf(driver.InvalidArgument, w.op, "the lease is not one of this queue")
	}
	return w.found, nil
}

// try claims one lease and puts it on the list on which it belongs.
func (w *work) try(c claim, now time.Time, claimed, busy []claim) (newClaimed, newBusy []claim) {
	switch ok, err := c.lease.claim(w.op, now, w.lateness(c.index)); {
	case err != nil:
		w.errs[c.index] = err
	case ok:
		claimed = append(claimed, c)
	default:
		busy = append(busy, c)
	}
	return claimed, busy
}

func (w *work) lateness(i int) lateness {
	if w.late == nil {
		return never
	}
	return w.late(i)
}
