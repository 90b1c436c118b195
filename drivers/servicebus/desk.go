package servicebus

import (
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// stand is for how long the link goes on receiving once nobody waits, where it has
	// credit: a worker that has room asks again at once, and what comes meanwhile is for
	// it.
	stand = 20 * time.Millisecond
	// linger is for how long what came for nobody is kept for the next Receive.
	linger = 200 * time.Millisecond
)

// desk is where Receives wait, and where what was leased is handed to them. It is safe
// for concurrent use.
type desk struct {
	source *source

	mu       sync.Mutex
	waiters  []*waiter     // in the order in which they came; guarded by mu
	want     int           // how many messages they take in all; guarded by mu
	spare    []*lease      // leased, and nobody waits; guarded by mu
	came     chan struct{} // closed when somebody comes to wait; guarded by mu
	cancel   func()        // ends what waits at the broker; nil where nothing does; guarded by mu
	standing bool          // the link may receive for nobody; guarded by mu
	stand    *time.Timer   // ends that; nil until the first; guarded by mu
	linger   *time.Timer   // gives the spare back; nil until the first; guarded by mu
}

// waiter is a Receive that waits.
type waiter struct {
	most   int
	served bool        // it has its answer, or has gone; guarded by the desk's mu
	answer chan answer // takes one; never closed
}

type answer struct {
	leases []*lease
	err    error
}

func (d *desk) init(s *source) {
	d.source = s
	d.came = make(chan struct{})
}

// wait takes what is there already, or queues up.
func (d *desk) wait(most int) (*waiter, []*lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := min(most, len(d.spare)); n > 0 {
		got := d.spare[:n:n]
		d.spare = d.spare[n:]
		return nil, got
	}
	w := &waiter{most: most, answer: make(chan answer, 1)}
	d.waiters = append(d.waiters, w)
	d.want += most
	d.standing = false
	close(d.came)
	d.came = make(chan struct{})
	return w, nil
}

// leave has w wait no longer. Where it has its answer by now that is what it gets.
func (d *desk) leave(w *waiter) answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w.served {
		return <-w.answer
	}
	for i, other := range d.waiters {
		if other == w {
			d.waiters = append(d.waiters[:i:i], d.waiters[i+1:]...)
			break
		}
	}
	d.want -= w.most
	w.served = true
	d.end()
	return answer{}
}

// serve gives w its answer. The caller holds mu.
func (d *desk) serve(w *waiter, a answer) {
	w.served = true
	d.want -= w.most
	w.answer <- a
}

// hand gives leases to those who wait, and keeps the rest. With credit the link, which
// brought them, may go on for a moment when nobody waits any more.
func (d *desk) hand(leases []*lease, credit bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(leases) > 0 && len(d.waiters) > 0 {
		w := d.waiters[0]
		d.waiters = d.waiters[1:]
		n := min(w.most, len(leases))
		d.serve(w, answer{leases: leases[:n:n]})
		leases = leases[n:]
	}
	d.spare = append(d.spare, leases...)
	if d.source.queue.gate.Closing() {
		return // clear comes
	}
	if len(d.spare) > 0 {
		again(&d.linger, linger, d.giveBack)
	}
	if credit && len(d.waiters) == 0 {
		d.standing = true
		again(&d.stand, stand, d.sit)
	}
}

// again has f called after a time, which it counts anew.
func again(timer **time.Timer, after time.Duration, f func()) {
	if *timer == nil {
		*timer = time.AfterFunc(after, f)
	} else {
		(*timer).Reset(after)
	}
}

// end ends what waits at the broker, unless somebody waits for it. The caller holds mu.
func (d *desk) end() {
	if len(d.waiters) == 0 && d.cancel != nil {
		d.cancel()
	}
}

// sit ends the standing.
func (d *desk) sit() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.standing {
		d.standing = false
		d.end()
	}
}

// fail answers those who wait.
func (d *desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.waiters {
		d.serve(w, answer{err: err})
	}
	d.waiters = nil
}

// giveBack gives back what is spare.
func (d *desk) giveBack() {
	q := d.source.queue
	if q.gate.Enter(q.ops.receive) != nil {
		return // clear does it
	}
	defer q.gate.Leave()
	d.source.giveBack(d.takeSpare())
}

func (d *desk) takeSpare() []*lease {
	d.mu.Lock()
	defer d.mu.Unlock()
	spare := d.spare
	d.spare = nil
	return spare
}

// clear gives back what nobody will ask for any more, and says so to who waits. It is
// called when the queue is closing and nothing is handed in any more.
func (d *desk) clear() {
	d.fail(driver.Errorf(driver.Closed, d.source.queue.ops.receive, "the queue is closed"))
	d.mu.Lock()
	for _, timer := range []*time.Timer{d.stand, d.linger} {
		if timer != nil {
			timer.Stop()
		}
	}
	d.mu.Unlock()
	d.source.giveBack(d.takeSpare())
}

// isIdle says whether nobody waits. The link then receives no more for nobody.
func (d *desk) isIdle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiters) > 0 {
		return false
	}
	d.standing = false
	d.end()
	return true
}

// wanted is how many messages those who wait take, whether the link may receive for
// nobody, and what is closed when somebody else comes.
func (d *desk) wanted() (want int, standing bool, came <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.want, d.standing, d.came
}

// waiting notes how to end what waits at the broker from now on, nil for nothing does.
// It is false where nobody would have it wait.
func (d *desk) waiting(cancel func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel = cancel
	return len(d.waiters) > 0 || d.standing
}
