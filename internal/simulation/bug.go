package simulation

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

type handler = func(context.Context, *runtime.Task[job]) error

// Bug is a mistake that is planted between a worker and what it works with, to
// see that a World finds it. The zero Bug is none.
type Bug struct {
	Name string

	queue     func(*World, driver.Queue) driver.Queue // what a worker takes for its queue
	handler   func(handler) handler                   // what it takes for its handler
	policy    func(*runtime.RetryPolicy)              // by which it retries
	weather   func(*weather)                          // in which the bug can show
	unordered bool                                    // the queue keeps no order
}

// Bugs are the kinds that a World must find.
func Bugs() []Bug {
	settles := func(f func(*bent, context.Context, []driver.Settlement) []error) func(*World, driver.Queue) driver.Queue {
		return func(_ *World, q driver.Queue) driver.Queue { return &bent{Queue: q, settle: f} }
	}
	extends := func(f func(*bent, context.Context, []driver.Lease, time.Duration) []driver.ExtendResult) func(*World, driver.Queue) driver.Queue {
		return func(_ *World, q driver.Queue) driver.Queue { return &bent{Queue: q, extend: f} }
	}
	sends := func(f func(*bent, context.Context, []driver.Message) []driver.SendResult) func(*World, driver.Queue) driver.Queue {
		return func(_ *World, q driver.Queue) driver.Queue { return &bent{Queue: q, send: f} }
	}
	receives := func(f func(*bent, context.Context, []driver.Lease) []driver.Lease) func(*World, driver.Queue) driver.Queue {
		return func(_ *World, q driver.Queue) driver.Queue { return &bent{Queue: q, receive: f} }
	}
	skipping := func(skip func(*bent, driver.Settlement) bool, answer error) func(*World, driver.Queue) driver.Queue {
		return settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			errs := make([]error, len(batch))
			for i, s := range batch {
				if skip(q, s) {
					errs[i] = answer
				} else {
					errs[i] = q.Queue.Settle(ctx, batch[i:i+1])[0]
				}
			}
			return errs
		})
	}
	changing := func(change func(*driver.Settlement)) func(*World, driver.Queue) driver.Queue {
		return settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			for i := range batch {
				change(&batch[i])
			}
			return q.Queue.Settle(ctx, batch)
		})
	}
	copying := func(change func(*driver.Message)) func(*World, driver.Queue) driver.Queue {
		return sends(func(q *bent, ctx context.Context, batch []driver.Message) []driver.SendResult {
			for i := range batch {
				change(&batch[i])
			}
			return q.Queue.Send(ctx, batch)
		})
	}
	lost := driver.Errorf(driver.LeaseLost, "bug", "it says")
	return []Bug{
		{Name: "acks before the handler", queue: receives(func(q *bent, ctx context.Context, leases []driver.Lease) []driver.Lease {
			for _, l := range leases {
				q.Queue.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
			}
			return leases
		})},
		{Name: "resets attempts", queue: receives(func(_ *bent, _ context.Context, leases []driver.Lease) []driver.Lease {
			for i, l := range leases {
				leases[i] = first{l}
			}
			return leases
		})},
		{Name: "stops the heartbeat", queue: extends(func(_ *bent, _ context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
			return extendedTo(len(leases), max(hold, time.Minute))
		})},
		{Name: "hides that a lease is lost", weather: short, queue: extends(func(q *bent, ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
			results := q.Queue.Extend(ctx, leases, hold)
			for i, r := range results {
				if driver.Is(r.Err, driver.LeaseLost) {
					results[i] = extendedTo(1, time.Minute)[0]
				}
			}
			return results
		})},
		{Name: "releases what it lost", weather: short, queue: extends(func(q *bent, ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
			results := q.Queue.Extend(ctx, leases, hold)
			for i, r := range results {
				if driver.Is(r.Err, driver.LeaseLost) {
					q.Queue.Settle(ctx, []driver.Settlement{{Lease: leases[i], Verdict: driver.Release}})
				}
			}
			return results
		})},
		{Name: "loses releases", queue: skipping(func(_ *bent, s driver.Settlement) bool { return s.Verdict == driver.Release }, nil)},
		{Name: "keeps what it did not start", weather: crowded, queue: skipping(func(_ *bent, s driver.Settlement) bool {
			l := leaseOf(s.Lease)
			return s.Verdict == driver.Release && l.run.begun == 0
		}, lost)},
		{Name: "sends copies and forgets the ack", weather: hops, queue: skipping(func(_ *bent, s driver.Settlement) bool {
			l := leaseOf(s.Lease)
			return s.Verdict == driver.Ack && l.run.copied
		}, nil)},
		{Name: "acks and forgets the copy", weather: hops, queue: sends(func(_ *bent, _ context.Context, batch []driver.Message) []driver.SendResult {
			return make([]driver.SendResult, len(batch))
		})},
		{Name: "sends copies too early", weather: hops, queue: copying(func(m *driver.Message) {
			m.Delay /= 4
			m.Carry.NotBefore = time.Now().Add(m.Delay)
		})},
		{Name: "forgets how often a task was snoozed", weather: hops, queue: copying(func(m *driver.Message) { m.Carry.Snoozes = 0 })},
		{Name: "starts attempts anew with a copy", weather: hops, queue: copying(func(m *driver.Message) { m.Carry.Attempts = 0 })},
		{Name: "forgets of what it sent a copy", weather: outage, queue: forgetsCopies},
		{Name: "settles twice", queue: settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			q.Queue.Settle(ctx, batch)
			return q.Queue.Settle(ctx, batch)
		})},
		{Name: "takes a failed settle for done", weather: failing, queue: settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			q.Queue.Settle(ctx, batch)
			return make([]error, len(batch))
		})},
		{Name: "extends while it settles", queue: settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			leases := make([]driver.Lease, len(batch))
			for i, s := range batch {
				leases[i] = s.Lease
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				q.Queue.Extend(ctx, leases, 0)
			}()
			defer func() { <-ended }()
			return q.Queue.Settle(ctx, batch)
		})},
		{Name: "fails a whole batch for one", weather: batches, queue: settles(func(q *bent, ctx context.Context, batch []driver.Settlement) []error {
			errs := q.Queue.Settle(ctx, batch)
			for _, err := range errs {
				if err != nil {
					return driver.FailSettle(len(batch), err)
				}
			}
			return errs
		})},
		{Name: "releases what succeeded", queue: changing(func(s *driver.Settlement) {
			if s.Verdict == driver.Ack {
				s.Verdict = driver.Release
			}
		})},
		{Name: "buries with the wrong reason", queue: changing(func(s *driver.Settlement) {
			if s.Verdict == driver.Bury {
				s.Reason = driver.ReasonExhausted
			}
		})},
		{Name: "retries without end", policy: func(p *runtime.RetryPolicy) { p.MaxAttempts = 15 }},
		{Name: "does not tell a handler that its lease is lost", weather: short, handler: func(h handler) handler {
			return func(ctx context.Context, t *runtime.Task[job]) error { return h(context.WithoutCancel(ctx), t) }
		}},
		{Name: "lets a follower overtake", weather: func(w *weather) { w.ordered = true }, unordered: true},
		{Name: "redrives by deleting first", weather: failing, queue: func(_ *World, q driver.Queue) driver.Queue { return deletesFirst{q} }},
	}
}

func extendedTo(n int, hold time.Duration) []driver.ExtendResult {
	results := make([]driver.ExtendResult, n)
	for i := range results {
		results[i].Expires = time.Now().Add(hold)
	}
	return results
}

// Weather in which a bug can show.

func short(w *weather)   { w.lapse = 100 }
func failing(w *weather) { w.fail, w.redrives, w.failing = 120, 3, 250 }
func hops(w *weather) {
	w.ordered, w.parks, w.undelayed, w.failing = false, false, false, 250
	w.sendDelay, w.releaseDelay = 4*time.Second, 700*time.Millisecond
}
func outage(w *weather) {
	hops(w)
	w.storm()
	w.withdraws, w.kill, w.slow = false, 0, 150
}
func crowded(w *weather) { w.single, w.batch, w.kill = true, 1, 0 }
func batches(w *weather) { w.single, w.stranding, w.batch, w.slow, w.fail = false, false, 10, 15, 120 }

// bent is a queue with a bug in one of its methods.
type bent struct {
	driver.Queue
	receive func(*bent, context.Context, []driver.Lease) []driver.Lease
	extend  func(*bent, context.Context, []driver.Lease, time.Duration) []driver.ExtendResult
	settle  func(*bent, context.Context, []driver.Settlement) []error
	send    func(*bent, context.Context, []driver.Message) []driver.SendResult
}

func (q *bent) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := q.Queue.Receive(ctx, opts)
	if q.receive != nil && len(leases) > 0 {
		leases = q.receive(q, ctx, leases)
	}
	return leases, err
}

func (q *bent) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if q.extend != nil {
		return q.extend(q, ctx, leases, hold)
	}
	return q.Queue.Extend(ctx, leases, hold)
}

func (q *bent) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if q.settle != nil && len(batch) > 0 {
		return q.settle(q, ctx, batch)
	}
	return q.Queue.Settle(ctx, batch)
}

func (q *bent) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if q.send != nil {
		return q.send(q, ctx, batch)
	}
	return q.Queue.Send(ctx, batch)
}

// forgetsCopies has a worker take a message of which it sent a copy for another one.
func forgetsCopies(w *World, q driver.Queue) driver.Queue {
	return &bent{Queue: q, receive: func(_ *bent, _ context.Context, leases []driver.Lease) []driver.Lease {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i, l := range leases {
			if own := leaseOf(l); own.message.copiedBy(own.worker, own.run) {
				leases[i] = another{l}
			}
		}
		return leases
	}}
}

// another is a lease whose message has another id, to all but a World.
type another struct{ driver.Lease }

func (l another) Message() driver.Message {
	m := l.Lease.Message()
	m.ID = m.ID[:1] + "0" + m.ID[1:]
	return m
}

// first is a lease that says it is the first of its message.
type first struct{ driver.Lease }

func (first) Attempt() int { return 1 }

// deletesFirst is a queue whose dead letter deletes and then sends.
type deletesFirst struct{ driver.Queue }

func (q deletesFirst) DeadLetter() driver.DeadLetter {
	return deletingDeadLetter{q.Queue.DeadLetter(), q.Queue}
}

type deletingDeadLetter struct {
	driver.DeadLetter
	queue driver.Queue
}

func (d deletingDeadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	errs := make([]error, len(batch))
	for i, s := range batch {
		moved := s.Verdict == driver.Redrive
		if moved {
			s.Verdict = driver.Ack
		}
		errs[i] = d.DeadLetter.Settle(ctx, []driver.Settlement{s})[0]
		if moved && errs[i] == nil {
			errs[i] = d.queue.Send(ctx, []driver.Message{driver.LiveCopy(s.Lease.Message())})[0].Err
		}
	}
	return errs
}

var _ driver.Queue = (*bent)(nil)
