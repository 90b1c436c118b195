package simulation

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// link is a program's way to the queue. It judges what the program does, has
// each call take its time and go wrong as is due, and notes what the program
// learns of it.
//
// A call with which nothing is wrong goes straight to the broker, because the
// faultqueue costs a good part of what a whole call does.
type link struct {
	narrowed
	by     *worker
	broker *broker
	faulty driver.Queue // leads to broker, by way of faults
}

// errGone is what most dead workers are answered, so that they go away soon;
// others get errDown and try on.
var errGone = driver.Errorf(driver.Closed, "simulation", "the worker is dead")

// arrive takes a call's time and reports whether it gets to the broker.
func (q *link) arrive(ctx context.Context, takes time.Duration) error {
	sleep(takes)
	if ctx.Err() != nil {
		return driver.ContextError(ctx, "simulation")
	}
	return q.alive()
}

func (q *link) alive() error {
	if q.by.cut.Load() {
		return q.by.errDead
	}
	return nil
}

func (q *link) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	if err := q.alive(); err != nil {
		return nil, err
	}
	by, w := q.by, q.by.world
	w.mu.Lock()
	by.receives++
	d := by.dice.of(aboutReceive).of(by.receives)
	takes, p := w.way(nil, d)
	if !w.calm && d.in1000(2, w.weather.poll) {
		if p == nil {
			p = &plan{takes: takes, err: errDown}
		}
		p.whole = []fault{refused, refused, unsaid}[d.below(3, 3)]
	}
	most := 1
	if w.weather.single && !by.several { // two in a row would start another poller
		most = 1 + d.below(1, 3)
	}
	w.mu.Unlock()
	opts.Max = min(opts.Max, most)

	var leases []driver.Lease
	var err error
	switch {
	case p != nil:
		leases, err = q.faulty.Receive(p.with(ctx), opts)
	case w.weather.stranding: // what its context does not end, a kill must
		leases, err = q.faulty.Receive((&plan{takes: takes}).with(ctx), opts)
	default:
		if err = q.arrive(ctx, takes); err == nil {
			leases, err = q.broker.Receive(ctx, opts)
		}
	}
	if len(leases) == 0 {
		if err == nil {
			w.mu.Lock()
			by.several = false
			w.mu.Unlock()
		}
		return nil, err
	}
	// What the queue has given goes on its way back, whatever becomes of ctx.
	sleep(d.between(4, 100*time.Microsecond, 6*time.Millisecond))
	if err := q.alive(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	arrived := leases[:0]
	for _, l := range leases {
		if own := leaseOf(l); !own.astray {
			w.arrive(own)
			arrived = append(arrived, l)
		}
	}
	if len(arrived) == 0 {
		return nil, errDown
	}
	by.several = len(arrived) > 1
	return arrived, nil
}

func (q *link) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if err := q.alive(); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	by, w := q.by, q.by.world
	faults := make([]fault, len(leases))
	var lead dice
	w.mu.Lock()
	for i := range leases {
		l := leaseOf(leases[i])
		w.mayExtend(l)
		d := l.dice.of(aboutExtend).of(l.extends)
		if i == 0 {
			lead = d
		}
		l.fault = w.faultOf(d)
		faults[i] = l.fault
		w.met.strike(l.fault, ExtendRefused)
	}
	takes, p := w.way(by, lead)
	p = p.spoil(faults, lead)
	w.mu.Unlock()

	var results []driver.ExtendResult
	if p != nil {
		results = q.faulty.Extend(p.with(ctx), leases, hold)
	} else if err := q.arrive(ctx, takes); err != nil {
		results = driver.FailExtend(len(leases), err)
	} else {
		results = q.broker.Extend(ctx, leases, hold)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range leases {
		w.extended(leaseOf(leases[i]), results[i])
	}
	return results
}

func (q *link) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if err := q.alive(); err != nil || len(batch) == 0 {
		return driver.FailSettle(len(batch), err)
	}
	by, w := q.by, q.by.world
	faults := make([]fault, len(batch))
	var lead dice
	w.mu.Lock()
	for i := range batch {
		l := leaseOf(batch[i].Lease)
		w.maySettle(l, &batch[i])
		d := l.dice.of(aboutSettle).of(l.settles)
		if i == 0 {
			lead = d
		}
		l.fault = w.faultOf(d)
		if faults[i] = l.fault; l.fault != none {
			l.excused, l.task.excused = true, true
			w.met.strike(l.fault, SettleRefused)
		}
	}
	takes, p := w.way(by, lead)
	p = p.spoil(faults, lead)
	w.mu.Unlock()

	var errs []error
	if p != nil {
		errs = q.faulty.Settle(p.with(ctx), batch)
	} else if err := q.arrive(ctx, takes); err != nil {
		errs = driver.FailSettle(len(batch), err)
	} else {
		errs = q.broker.Settle(ctx, batch)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range batch {
		w.settled(leaseOf(batch[i].Lease), errs[i])
	}
	return errs
}

func (q *link) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if err := q.alive(); err != nil {
		return driver.FailSend(len(batch), err)
	}
	by, w := q.by, q.by.world
	faults, ids := make([]fault, len(batch)), make([]string, len(batch))
	leases := make([]*lease, len(batch))
	var lead dice
	w.mu.Lock()
	for i := range batch {
		t := w.taskOf(batch[i].Body)
		if by.number > 0 && by.number != operatorNumber {
			leases[i] = w.mayCopy(by, &batch[i])
		}
		t.sends++
		d := t.dice.of(aboutSend).of(t.sends)
		if i == 0 {
			lead = d
		}
		ids[i], faults[i] = batch[i].SendID, w.faultOf(d)
		if faults[i] != none {
			t.excused = true
			w.met.strike(faults[i], SendRefused)
			if leases[i] != nil {
				leases[i].excused = true
			}
		}
	}
	takes, p := w.way(by, lead)
	if p = p.spoil(faults, lead); p != nil {
		p.sendIDs = ids
	}
	w.mu.Unlock()

	var results []driver.SendResult
	if p != nil {
		results = q.faulty.Send(p.with(ctx), batch)
	} else if err := q.arrive(ctx, takes); err != nil {
		results = driver.FailSend(len(batch), err)
	} else {
		results = q.broker.Send(ctx, batch)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range leases {
		if l != nil && results[i].Err == nil {
			l.run.copied, l.run.copyID = true, results[i].ID
		}
	}
	return results
}

// withdrawing is a link to a queue that takes back copies.
type withdrawing struct{ *link }

func (q withdrawing) Withdraw(ctx context.Context, id string) error {
	if err := q.alive(); err != nil {
		return err
	}
	by, w := q.by, q.by.world
	w.mu.Lock()
	var r *run
	for _, l := range by.leases {
		if l.run != nil && l.run.copied && l.run.copyID == id {
			r = l.run
		}
	}
	if r == nil {
		w.violated(0, "worker %d withdraws message %s, which is no copy of its own", by.number, id)
		w.mu.Unlock()
		return errDown
	}
	l := r.lease
	d := l.dice.of(aboutWithdraw).of(l.settles)
	takes, p := w.way(by, d)
	if f := w.faultOf(d); f != none {
		p = &plan{takes: takes, whole: f, err: errDown}
		l.task.excused = true
	}
	w.mu.Unlock()

	var err error
	if p != nil {
		err = q.faulty.(driver.Withdrawer).Withdraw(p.with(ctx), id)
	} else if err = q.arrive(ctx, takes); err == nil {
		err = q.broker.Withdraw(ctx, id)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !driver.Is(err, driver.NotFound) { // it is gone, or may be
		r.copied = false
	}
	return err
}

var (
	_ driver.Queue      = (*link)(nil)
	_ driver.Withdrawer = withdrawing{}
)
