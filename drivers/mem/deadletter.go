package mem

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// deadLetter is the dead letter of a Queue.
type deadLetter Queue

// missing answers for a queue that has no dead letter.
func (d *deadLetter) missing(op string) error {
	if d.broker.options.NoDeadLetter {
		return driver.Errorf(driver.NotFound, op, "the queue has no dead letter; open it with one")
	}
	return nil
}

func (d *deadLetter) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	if err := d.missing(d.broker.ops.receive); err != nil {
		return nil, err
	}
	return d.dead.Receive(ctx, opts)
}

func (d *deadLetter) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if err := d.missing(d.broker.ops.extend); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	return d.dead.Extend(ctx, leases, hold)
}

func (d *deadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if err := d.missing(d.broker.ops.settle); err != nil {
		return driver.FailSettle(len(batch), err)
	}
	return d.dead.Settle(ctx, batch)
}

// moveChunk is how many messages MoveAll moves at a time without a rate.
const moveChunk = 1000

// MoveAll moves the dead messages that are not leased and were dead when it
// began. It returns what it moved so far when ctx ends.
func (d *deadLetter) MoveAll(ctx context.Context, opts driver.MoveOptions) (driver.MoveReport, error) {
	b := d.broker
	var report driver.MoveReport
	if err := d.missing(b.ops.move); err != nil {
		return report, err
	}
	q := (*Queue)(d)
	if err := q.check(ctx, b.ops.move, 1); err != nil {
		return report, err
	}
	if opts.Rate < 0 {
		return report, driver.Errorf(driver.InvalidArgument, b.ops.move, "rate %d is negative; use 0 or more", opts.Rate)
	}
	chunk, pause := moveChunk, time.Duration(0)
	if opts.Rate > 0 {
		chunk, pause = 1, time.Second/time.Duration(opts.Rate)
	}
	last, total := b.deadNow()
	report.Total = total
	for {
		moved := b.move(chunk, last)
		report.Moved += moved
		if moved > 0 && opts.Progress != nil {
			opts.Progress(report)
		}
		if moved < int64(chunk) {
			return report, nil
		}
		if err := q.pause(ctx, pause); err != nil {
			return report, err
		}
	}
}

// pause waits, and refuses to go on when the handle or ctx has ended.
func (q *Queue) pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-q.done:
		}
	}
	return q.check(ctx, q.broker.ops.move, 1)
}

// deadNow is the number of the last message so far, and how many dead messages
// are visible.
func (b *broker) deadNow() (last uint64, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead.advance(time.Now())
	return b.next, b.dead.count[ready]
}

// move moves up to limit visible dead messages that are not newer than last.
func (b *broker) move(limit int, last uint64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.dead.advance(now)
	var moved int64
	for moved < int64(limit) {
		e := b.dead.visible.front()
		if e == nil || e.number > last {
			break
		}
		b.dead.visible.remove(e)
		b.dead.drop(e)
		m := driver.CopyOf(e.content.message(b.start))
		m.Death = e.content.death
		b.store(&b.live, &entry{content: contentOf(&m)}, now, 0)
		moved++
	}
	b.live.serve(now)
	return moved
}

var _ driver.DeadLetter = (*deadLetter)(nil)
