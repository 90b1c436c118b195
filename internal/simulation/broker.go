package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// broker is the queue as one program reaches it. It notes what the queue did,
// whether or not the program learns of it. A call and its note are one piece, or
// somebody who is woken by the call could be noted before.
type broker struct {
	narrowed
	by *worker
}

func (b *broker) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := b.narrowed.Receive(ctx, opts)
	if len(leases) == 0 {
		return leases, err
	}
	w := b.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, inner := range leases {
		l := w.give(b.by, inner)
		if l.astray || !w.calm && l.dice.in1000(31, w.weather.lapse) {
			l.short = true
			w.met[Lapsed]++
			sooner := l.dice.between(32, w.weather.hold/8, w.weather.hold)
			if l.astray {
				sooner /= 8
			}
			b.narrowed.Extend(context.WithoutCancel(ctx), []driver.Lease{inner}, sooner)
		}
		leases[i] = l
	}
	return leases, err
}

func (b *broker) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	w := b.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	results := b.narrowed.Extend(ctx, leases, hold)
	for i := range leases {
		l := leaseOf(leases[i])
		e := Event{Worker: l.worker.number, Task: l.task.n, Attempt: l.attempt, What: Extended}
		switch err := results[i].Err; {
		case err == nil:
			e.For = time.Until(results[i].Expires)
		case driver.Is(err, driver.LeaseLost):
			e.Outcome = Lost
		default:
			e.Outcome = Failed
		}
		w.note(e)
	}
	return results
}

func (b *broker) Settle(ctx context.Context, batch []driver.Settlement) []error {
	w := b.by.world
	inner := slices.Clone(batch) // with the queue's own leases, which it asks while it is locked
	for i := range inner {
		inner[i].Lease = leaseOf(batch[i].Lease).Lease
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := b.narrowed.Settle(ctx, inner)
	for i := range batch {
		if errs[i] == nil {
			w.took(leaseOf(batch[i].Lease), &batch[i])
		}
	}
	return errs
}

func (b *broker) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	w := b.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	results := b.narrowed.Send(ctx, batch)
	for i := range batch {
		if results[i].Err == nil {
			w.stored(b.by, &batch[i], results[i].ID)
		}
	}
	return results
}

func (b *broker) Withdraw(ctx context.Context, id string) error {
	w := b.by.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.queue.Withdraw(ctx, id); err != nil {
		return err
	}
	m, _ := w.messageOf(id, nil)
	m.gone = true
	w.met[TookBack]++
	w.note(Event{Worker: b.by.number, Task: m.task.n, What: Withdrawn})
	return nil
}

var _ driver.Queue = (*broker)(nil)
