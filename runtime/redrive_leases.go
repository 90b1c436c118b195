package runtime

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/due"
)

// deadLease is one dead letter that a redrive or discard holds. At most one call is under
// way for it at any time. The fields from busy on are guarded by its deadLeases'
// mu; run is written by nobody but the keeper once it is in the book.
type deadLease struct {
	due.Slot[*deadLease] // in the book unless busy or ended

	lease  driver.Lease
	task   DeadTask
	key    digest // of the message
	moving digest // of the task
	number int    // in the order of arrival
	tried  bool   // a redrive of it was tried

	busy     bool          // a call is under way for it
	ended    bool          // settled, lapsed or superseded
	run      time.Duration // how long it ran from its last extension
	extendAt time.Time     // when the next is due
	expires  time.Time
}

// deadLeases are the dead letters that a redrive holds. Its keeper extends them
// while the redrive looks, moves and waits.
type deadLeases struct {
	source driver.Source
	name   string
	hold   time.Duration // to ask for; 0 for the dead letter's own
	batch  int           // the most leases in a call
	start  time.Time
	wake   chan struct{} // capacity 1, never closed; for the keeper

	mu    sync.Mutex
	idle  sync.Cond             // on mu: a call has ended
	all   map[string]*deadLease // guarded by mu; those that have not ended, by the broker's id
	book  due.Heap[*deadLease]  // guarded by mu; by when the keeper must look
	turns int                   // guarded by mu; batches so far, for the jitter
}

func newDeadLeases(q *QueueInfo, hold time.Duration) *deadLeases {
	d := &deadLeases{
		source: q.Driver.DeadLetter(), name: q.Name, hold: hold, batch: q.capabilities.MaxSettleBatch,
		start: time.Now(), wake: make(chan struct{}, 1), all: make(map[string]*deadLease),
	}
	d.idle.L = &d.mu
	return d
}

// keep starts the keeper. The function it returns ends it and waits for it.
func (d *deadLeases) keep(ctx context.Context) (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		d.extendUntil(context.WithoutCancel(ctx), stop)
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// extendUntil is the keeper: it extends what is due, in batches.
func (d *deadLeases) extendUntil(ctx context.Context, stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch, wait := d.nextExtends()
		if len(batch) > 0 {
			d.extend(ctx, batch)
			wait = 0
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-d.wake:
		case <-stop:
			return
		}
	}
}

// nextExtends claims a batch of what is to be extended, with what is so within a
// moment; or it says how long there is nothing to do.
func (d *deadLeases) nextExtends() (batch []*deadLease, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for len(batch) < d.batch && d.book.Len() > 0 {
		l, at := d.book.Min()
		if wait = at - now.Sub(d.start); wait > 0 && (len(batch) == 0 || wait > l.run/50) {
			break
		}
		d.book.Remove(l)
		if !now.Before(l.expires) {
			d.end(l)
			continue
		}
		l.busy = true
		batch = append(batch, l)
	}
	if d.book.Len() == 0 {
		wait = time.Hour
	}
	return batch, wait
}

func (d *deadLeases) extend(ctx context.Context, batch []*deadLease) {
	leases := make([]driver.Lease, len(batch))
	for i, l := range batch {
		leases[i] = l.lease
	}
	start, run := time.Now(), batch[0].run
	call, cancel := context.WithTimeout(ctx, min(settleCallTime, max(minCallTime, run/3)))
	results := d.source.Extend(call, leases, d.hold)
	cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns++
	for i, l := range batch {
		l.busy = false
		switch err := results[i].Err; {
		case l.ended:
		case err == nil:
			l.expires, l.run = results[i].Expires, results[i].Expires.Sub(start)
			d.note(l, start.Add(d.third(l.run)))
		case driver.Is(err, driver.LeaseLost):
			d.end(l)
		case driver.Retryable(err):
			d.note(l, time.Now().Add(max(l.run/24, retryAfter(err))))
		default:
			d.note(l, l.expires) // it runs out
		}
	}
	d.idle.Broadcast()
}

// third is about a third of a hold. The caller holds mu.
func (d *deadLeases) third(hold time.Duration) time.Duration {
	return hold/3 - time.Duration(spread(d.name, d.turns)*float64(hold/24))
}

// note puts l into the book, to be extended at the given time, or looked at when
// it runs out. The caller holds mu.
func (d *deadLeases) note(l *deadLease, at time.Time) {
	if l.expires.Before(at) {
		at = l.expires
	}
	l.extendAt = at
	d.book.Set(l, at.Sub(d.start))
}

// look wakes the keeper.
func (d *deadLeases) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// end forgets l. The caller holds mu.
func (d *deadLeases) end(l *deadLease) {
	d.book.Remove(l)
	l.ended = true
	if id := l.task.MessageID; d.all[id] == l {
		delete(d.all, id)
	}
}

// take holds a page that was received. A lease of the same message as an earlier
// one takes its place.
func (d *deadLeases) take(page []*deadLease) {
	defer d.look()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns++
	for _, l := range page {
		if old := d.all[l.task.MessageID]; old != nil {
			d.end(old)
		}
		d.all[l.task.MessageID] = l
		l.expires = l.lease.Expires()
		l.run = l.expires.Sub(l.lease.Received())
		d.note(l, l.lease.Received().Add(d.third(l.run)))
	}
}

// held is how many there are.
func (d *deadLeases) held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.all)
}

// claim reserves for a settle those of the batch that have not ended, once no
// call is under way for any of them.
func (d *deadLeases) claim(batch []*deadLease) (live, gone []*deadLease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for slices.ContainsFunc(batch, func(l *deadLease) bool { return l.busy }) {
		d.idle.Wait()
	}
	now := time.Now()
	for _, l := range batch {
		if !l.ended && !now.Before(l.expires) {
			d.end(l)
		}
		if l.ended {
			gone = append(gone, l)
			continue
		}
		d.book.Remove(l)
		l.busy = true
		live = append(live, l)
	}
	return live, gone
}

// settle ends the leases of a claimed batch with the verdict. Those for which it
// failed are held on, but for lost ones. The call gets settleCallTime.
func (d *deadLeases) settle(ctx context.Context, batch []*deadLease, v driver.Verdict) []error {
	settlements := make([]driver.Settlement, len(batch))
	for i, l := range batch {
		settlements[i] = driver.Settlement{Lease: l.lease, Verdict: v}
	}
	ctx, cancel := context.WithTimeout(ctx, settleCallTime)
	errs := d.source.Settle(ctx, settlements)
	cancel()
	defer d.look()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, l := range batch {
		l.busy = false
		if errs[i] == nil || driver.Is(errs[i], driver.LeaseLost) {
			d.end(l)
		} else {
			d.note(l, l.extendAt)
		}
	}
	return errs
}

// release gives back all that is held, within redriveRelease, and says how many
// it could not. The keeper must have ended.
func (d *deadLeases) release(ctx context.Context) (left int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redriveRelease)
	defer cancel()
	for try := 1; ; try++ {
		all := d.inOrder()
		if len(all) == 0 {
			return 0
		}
		var again error
		for batch := range slices.Chunk(all, d.batch) {
			live, _ := d.claim(batch)
			for _, err := range d.settle(ctx, live, driver.Release) {
				if driver.Retryable(err) {
					again = err
				}
			}
		}
		if again == nil || ctx.Err() != nil || sleep(ctx, max(callBackoff(try, d.name), retryAfter(again))) != nil {
			return d.held()
		}
	}
}

// inOrder are all that are held, in the order in which they came.
func (d *deadLeases) inOrder() []*deadLease {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*deadLease, 0, len(d.all))
	for _, l := range d.all {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *deadLease) int { return cmp.Compare(a.number, b.number) })
	return all
}
