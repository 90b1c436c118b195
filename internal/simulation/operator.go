package simulation

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// operatorNumber is the operator's among the workers. It gets no lease.
const operatorNumber = 99

// operate redrives what is dead, now and then.
func (w *World) operate(ctx context.Context) {
	by := w.newWorker(operatorNumber)
	qs := by.queues()
	for i := range w.weather.redrives {
		d := w.dice.of(aboutOperator).of(i)
		// By the clock, so that how long the last one took has no part in it.
		sleep(time.Until(w.start.Add(time.Duration(i+1)*7*time.Second + d.between(1, 0, 5*time.Second))))
		report, err := runtime.Redrive(ctx, qs, "jobs", &runtime.RedriveOptions{
			Match: func(t runtime.DeadTask) bool { return dice(len(t.ID)).of(int(t.Death.At.UnixNano())).in1000(i, 800) },
			Max:   d.below(2, 40), Hold: d.between(3, time.Second, 5*time.Second),
		})
		w.mu.Lock()
		if report.Examined != report.Moved+report.Kept+report.Failed {
			w.violated(0, "a redrive reports %+v, which does not add up", report)
		}
		if err != nil && !driver.Retryable(err) {
			w.violated(0, "redrive: %v", err)
		}
		w.mu.Unlock()
	}
}

// DeadLetter is the queue's, with what goes wrong with calls on it.
func (q *link) DeadLetter() driver.DeadLetter {
	return &deadLink{DeadLetter: q.broker.DeadLetter(), faulty: q.faulty.DeadLetter(), by: q.by}
}

// deadLink is a program's way to the dead letter. Its calls are told apart by
// their number, because each kind comes from one goroutine.
type deadLink struct {
	driver.DeadLetter
	faulty driver.DeadLetter
	by     *worker
}

// way is how call number n of a kind goes.
func (q *deadLink) way(kind int, calls *int, items int) *plan {
	w := q.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	*calls++
	d := q.by.dice.of(aboutOperator).of(kind).of(*calls)
	takes, p := w.way(nil, d)
	if f := w.faultOf(d); f != none && items > 0 {
		if p == nil {
			p = &plan{takes: takes, err: errDown}
		}
		p.whole = f
	}
	if p == nil {
		p = &plan{takes: takes}
	}
	return p
}

func (q *deadLink) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	p := q.way(aboutReceive, &q.by.receives, 1)
	// What came late is to be extended at once, at the same instant at which it is
	// to be moved: which of the two is first would be a matter of chance.
	p.takes = min(p.takes, 100*time.Millisecond)
	opts.Max = min(opts.Max, 10)
	return q.faulty.Receive(p.with(ctx), opts)
}

func (q *deadLink) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	p := q.way(aboutExtend, &q.by.extends, len(leases))
	return q.faulty.Extend(p.with(ctx), leases, hold)
}

func (q *deadLink) Settle(ctx context.Context, batch []driver.Settlement) []error {
	p := q.way(aboutSettle, &q.by.settles, len(batch))
	errs := q.faulty.Settle(p.with(ctx), batch)
	w := q.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range batch {
		m := batch[i].Lease.Message()
		e := Event{Worker: operatorNumber, What: Redriven, Outcome: OK}
		if t := w.taskOf(m.Body); t != nil {
			e.Task = t.n
		}
		if errs[i] != nil {
			e.Outcome = Failed
		}
		if batch[i].Verdict == driver.Redrive {
			w.note(e)
		}
	}
	return errs
}

var _ driver.DeadLetter = (*deadLink)(nil)
