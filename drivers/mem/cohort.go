package mem

import "time"

// cohort counts the entries of a store that arrived within one grain of time.
// Entries know their cohort and not their neighbours, so that the oldest age
// costs a settle no look at other entries.
type cohort struct {
	first          time.Time // arrival of the first of them
	count          int
	previous, next *cohort
}

// ages is the cohorts of a store that have entries, oldest first. It is guarded
// by the broker's mu.
type ages struct{ oldest, youngest *cohort }

// enter counts an entry that arrives now, later than all others.
func (a *ages) enter(now time.Time) *cohort {
	c := a.youngest
	if c == nil || now.Sub(c.first) >= grain {
		c = &cohort{first: now, previous: a.youngest}
		if a.youngest == nil {
			a.oldest = c
		} else {
			a.youngest.next = c
		}
		a.youngest = c
	}
	c.count++
	return c
}

// leave uncounts an entry of c.
func (a *ages) leave(c *cohort) {
	if c.count--; c.count > 0 {
		return
	}
	if c.previous == nil {
		a.oldest = c.next
	} else {
		c.previous.next = c.next
	}
	if c.next == nil {
		a.youngest = c.previous
	} else {
		c.next.previous = c.previous
	}
}
