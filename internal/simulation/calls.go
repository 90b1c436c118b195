package simulation

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
)

// fault is what happens to one item of a call.
type fault uint8

const (
	none   fault = iota
	before       // it fails without effect
	busy         // the same, and says to come back later
	after        // it takes effect and then fails
)

// faultOf is the fault of the item that d is about.
func (w *World) faultOf(d dice) fault {
	if w.calm || !d.in1000(11, w.weather.fail) {
		return none
	}
	return []fault{before, before, busy, after, after}[d.below(12, 5)]
}

func (f fault) err(d dice) error {
	if f == busy {
		return &driver.Error{Code: driver.Throttled, Op: "simulation", RetryAfter: d.between(13, 0, 2*time.Second)}
	}
	return errDown
}

// travel is the way of a call to the queue. It reports false when ctx ended on
// it, so that the call has no effect.
func (w *World) travel(ctx context.Context, by *worker, d dice) bool {
	way := d.between(21, 500*time.Microsecond, 8*time.Millisecond)
	w.mu.Lock()
	calm := w.calm
	if !calm {
		switch {
		case d.in1000(22, w.weather.hang):
			way = time.Hour
		case d.in1000(23, w.weather.slow):
			way = d.between(24, 500*time.Millisecond, 9*time.Second)
		}
		if way > 100*time.Millisecond {
			w.excuse(by, min(way, 10*time.Second)+2*w.weather.hold)
		}
	}
	w.mu.Unlock()
	return pause(ctx, way)
}

// rules are the faults and the watch of a worker's calls.
func (by *worker) rules() []faultqueue.Rule {
	return []faultqueue.Rule{
		{Op: faultqueue.Receive, Fault: by.receive},
		{Op: faultqueue.Extend, Fault: by.extend},
		{Op: faultqueue.Settle, Fault: by.settle},
		{Op: faultqueue.Send, Fault: by.send},
	}
}

func (by *worker) receive(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
	w := by.world
	d := by.dice.of(aboutReceive).of(c.N)
	w.mu.Lock()
	calm := w.calm
	w.mu.Unlock()
	most := 1
	if w.weather.single {
		most = 1 + d.below(1, 3)
	}
	c.Options.Max = min(c.Options.Max, most)
	if !w.travel(ctx, nil, d) {
		c.Fail(driver.ContextError(ctx, "simulation: receive"))
		return
	}
	failed := !calm && d.in1000(2, w.weather.poll)
	if failed && d.in1000(3, 600) {
		c.Fail(before.err(d))
		return
	}
	next(ctx, c)
	if c.Err != nil || len(c.Received) == 0 {
		return
	}
	w.mu.Lock()
	for i, inner := range c.Received {
		l := w.receive(by, inner)
		if !calm && l.dice.in1000(31, w.weather.lapse) {
			l.excused = true
			short := []driver.Lease{inner}
			w.queue.Extend(context.WithoutCancel(ctx), short, l.dice.between(32, w.weather.hold/8, w.weather.hold))
		}
		if failed {
			l.excused = true
			l.leave()
			by.received--
		}
		c.Received[i] = l
	}
	w.mu.Unlock()
	// What the queue has given goes on its way back, whatever becomes of ctx.
	select {
	case <-by.dead:
	case <-time.After(d.between(4, 100*time.Microsecond, 6*time.Millisecond)):
	}
	if failed {
		c.Fail(after.err(d))
	}
}

func (by *worker) extend(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
	w := by.world
	w.mu.Lock()
	all := make([]*lease, len(c.Leases))
	any := false
	for i := range c.Leases {
		l := leaseOf(c.Leases[i])
		all[i] = l
		w.mayExtend(l)
		l.fault = w.faultOf(l.dice.of(aboutExtend).of(l.extends))
		any = any || l.fault != none
	}
	lead := all[0]
	d := lead.dice.of(aboutExtend).of(lead.extends)
	w.mu.Unlock()
	if w.travel(ctx, by, d) {
		observed := func(ctx context.Context, c *faultqueue.Call) {
			next(ctx, c)
			w.mu.Lock()
			defer w.mu.Unlock()
			for i := range c.Leases {
				w.extended(leaseOf(c.Leases[i]), &c.Extended[i])
			}
		}
		if any {
			faultqueue.On(func(i int) bool { f := leaseOf(c.Leases[i]).fault; return f == before || f == busy },
				faultqueue.FailBefore(lead.fault.err(d)))(ctx, c, observed)
		} else {
			observed(ctx, c)
		}
	} else {
		c.Fail(driver.ContextError(ctx, "simulation: extend"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range all {
		l.busy = false
		switch err := c.Extended[i].Err; {
		case err == nil:
			l.end = c.Extended[i].Expires
			l.confirmed = true
		case driver.Is(err, driver.LeaseLost):
			w.tellLost(l)
		default:
			l.excused = true
			l.task.excused = true
		}
	}
}

// extended notes what the broker did, and loses the answer where it is to be
// lost. The caller holds mu.
func (w *World) extended(l *lease, r *driver.ExtendResult) {
	e := Event{Worker: l.worker.number, Task: l.task.n, Attempt: l.attempt, What: Extended}
	switch {
	case r.Err == nil:
		e.For = time.Until(r.Expires)
	case driver.Is(r.Err, driver.LeaseLost):
		e.Outcome = Lost
	default:
		e.Outcome = Failed
	}
	w.note(e)
	if l.fault == after {
		r.Err = errDown
	}
}

func (by *worker) settle(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
	if len(c.Batch) == 0 {
		next(ctx, c)
		return
	}
	w := by.world
	w.mu.Lock()
	all := make([]*lease, len(c.Batch))
	any := false
	for i := range c.Batch {
		l := leaseOf(c.Batch[i].Lease)
		all[i] = l
		w.maySettle(l, &c.Batch[i])
		l.fault = w.faultOf(l.dice.of(aboutSettle).of(l.settles))
		if l.fault != none {
			any, l.excused, l.task.excused = true, true, true
		}
	}
	lead := all[0]
	d := lead.dice.of(aboutSettle).of(lead.settles)
	w.mu.Unlock()
	if w.travel(ctx, by, d) {
		observed := func(ctx context.Context, c *faultqueue.Call) {
			next(ctx, c)
			w.mu.Lock()
			defer w.mu.Unlock()
			for i := range c.Batch {
				l := leaseOf(c.Batch[i].Lease)
				if c.Settled[i] == nil {
					w.took(l, &c.Batch[i])
				}
				if l.fault == after {
					c.Settled[i] = errDown
				}
			}
		}
		if any {
			faultqueue.On(func(i int) bool { f := leaseOf(c.Batch[i].Lease).fault; return f == before || f == busy },
				faultqueue.FailBefore(lead.fault.err(d)))(ctx, c, observed)
		} else {
			observed(ctx, c)
		}
	} else {
		c.Fail(driver.ContextError(ctx, "simulation: settle"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range all {
		w.answered(l, c.Settled[i])
	}
}

// send is the client's when by has no number, else it is of copies.
func (by *worker) send(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
	w := by.world
	w.mu.Lock()
	faults := make([]fault, len(c.Messages))
	leases := make([]*lease, len(c.Messages))
	var d dice
	for i := range c.Messages {
		t := w.taskOf(c.Messages[i].Body)
		if by.number > 0 {
			leases[i] = w.mayCopy(by, &c.Messages[i])
		}
		t.sends++
		own := t.dice.of(aboutSend).of(t.sends)
		if i == 0 {
			d = own
		}
		if faults[i] = w.faultOf(own); faults[i] != none {
			t.excused = true
			if leases[i] != nil {
				leases[i].excused = true
			}
		}
	}
	w.mu.Unlock()
	if !w.travel(ctx, by, d) {
		c.Fail(driver.ContextError(ctx, "simulation: send"))
		return
	}
	// Each goes by itself, so that its neighbours tell nothing about it.
	for i := range c.Messages {
		if f := faults[i]; f == before || f == busy {
			continue
		}
		part := *c
		part.Messages = c.Messages[i : i+1]
		next(ctx, &part)
		if c.Sent == nil {
			c.Sent = make([]driver.SendResult, len(c.Messages))
		}
		c.Sent[i] = part.Sent[0]
	}
	if c.Sent == nil {
		c.Sent = make([]driver.SendResult, len(c.Messages))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range c.Messages {
		r := &c.Sent[i]
		switch f := faults[i]; {
		case f == before || f == busy:
			r.Err = f.err(d)
			continue
		case r.Err == nil:
			w.stored(leases[i], &c.Messages[i], r.ID)
		}
		if faults[i] == after {
			*r = driver.SendResult{Err: errDown}
		} else if r.Err == nil && leases[i] != nil {
			leases[i].copied = true
		}
	}
}

// stored notes a message that the broker took: for the lease that it is a copy
// for, or for the client. The caller holds mu.
func (w *World) stored(l *lease, m *driver.Message, id string) {
	t := w.taskOf(m.Body)
	if t == nil {
		return
	}
	e := Event{Task: t.n, What: Stored, For: m.Delay}
	message := w.messageOf(id, t)
	if l != nil {
		l.copies++
		e.Worker, e.Attempt, e.What = l.worker.number, l.attempt, Copied
		message.due = m.Carry.NotBefore
	} else if !message.gone {
		if t.stored++; t.stored > 1 {
			t.excused = true
		}
		message.due = time.Now().Add(m.Delay)
	}
	w.note(e)
}
