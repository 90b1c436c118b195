package servicebus

import (
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// linger is for how long what comes is kept for the next Receive once nobody waits. A
// worker asks again at once as long as it has room, and what came meanwhile need not go
// back to the broker.
const linger = 200 * time.Millisecond

// desk is where Receives wait, and where what was leased is handed to them. It is safe
// for concurrent use.
type desk struct {
	source *source

	mu      sync.Mutex
	waiters []*waiter     // in the order in which they came; guarded by mu
	want    int           // how many messages they take in all; guarded by mu
	spare   []*lease      // leased, and nobody waits; guarded by mu
	since   time.Time     // when the last waiter has gone; guarded by mu
	came    chan struct{} // closed when somebody comes to wait; guarded by mu
	cancel  func()        // ends what waits at the broker; nil where nothing does; guarded by mu
	timer   *time.Timer   // ends the linger; nil until the first; guarded by mu
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
	if d.timer != nil {
		d.timer.Stop()
	}
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
	d.idle()
	return answer{}
}

// serve gives w its answer. The caller holds mu.
func (d *desk) serve(w *waiter, a answer) {
	w.served = true
	d.want -= w.most
	w.answer <- a
}

// hand gives leases to those who wait, and keeps the rest.
func (d *desk) hand(leases []*lease) {
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
	d.idle()
}

// fail answers those who wait.
func (d *desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.waiters {
		d.serve(w, answer{err: err})
	}
	d.waiters = nil
	d.idle()
}

// idle begins the linger where nobody waits any more. The caller holds mu.
func (d *desk) idle() {
	if len(d.waiters) > 0 || d.source.queue.gate.Closing() {
		return
	}
	d.since = time.Now()
	if d.timer == nil {
		d.timer = time.AfterFunc(linger, d.lapse)
	} else {
		d.timer.Reset(linger)
	}
}

// lapse ends the linger: what waits at the broker does so no longer, and what was kept
// is given back.
func (d *desk) lapse() {
	if d.source.queue.gate.Enter(d.source.queue.ops.receive) != nil {
		return // Close gives it back
	}
	defer d.source.queue.gate.Leave()
	d.mu.Lock()
	if len(d.waiters) > 0 || time.Since(d.since) < linger {
		d.mu.Unlock()
		return
	}
	if d.cancel != nil {
		d.cancel()
	}
	spare := d.spare
	d.spare = nil
	d.mu.Unlock()
	d.source.giveBack(spare)
}

// clear gives back what nobody will ask for any more, and says so to who waits. It is
// called when the queue is closing and nothing is handed in any more.
func (d *desk) clear() {
	d.fail(driver.Errorf(driver.Closed, d.source.queue.ops.receive, "the queue is closed"))
	d.mu.Lock()
	if d.timer != nil {
		d.timer.Stop()
	}
	spare := d.spare
	d.spare = nil
	d.mu.Unlock()
	d.source.giveBack(spare)
}

// wanted is how many messages those who wait take, whether the linger lasts, and what
// is closed when somebody else comes.
func (d *desk) wanted() (want int, lingering bool, came <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.want, !d.since.IsZero() && time.Since(d.since) < linger, d.came
}

// waiting notes how to end what waits at the broker from now on, nil for nothing does.
// It is false where nobody would have it wait.
func (d *desk) waiting(cancel func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancel = cancel
	return len(d.waiters) > 0 || time.Since(d.since) < linger
}
