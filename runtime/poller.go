package runtime

import (
	"context"
	"math"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// longPoll is the longest wait of a receive.
	longPoll = 20 * time.Second
	// maxPollers is how many receives of a queue are under way at once.
	maxPollers = 16
	// partialInRow is how many receives in a row that bring less than they could, at
	// once, are a sign that there is more: a broker of many parts, such as Pub/Sub,
	// answers with what one of them has at hand.
	partialInRow = 2
)

// poll is the first poller of a lane. It returns nil when ctx has ended and all
// pollers have, or what made the queue unusable.
func (l *lane) poll(ctx context.Context) error {
	defer l.extra.Wait()
	idle, failures, partial := false, 0, 0
	for {
		got, err := l.receive(ctx, idle, &l.pulse)
		l.pulse.rest()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !driver.Retryable(err):
			l.logger.Error("the queue cannot be polled; the worker ends", "error", err)
			return err
		case err != nil:
			failures++
			l.pulse.failures.Store(int32(min(failures, math.MaxInt32)))
			wait := max(callBackoff(failures, l.queue.Name), retryAfter(err))
			l.logger.Warn("polling failed; trying again", "in", wait, "error", err)
			if sleep(ctx, wait) != nil {
				return nil
			}
			continue
		}
		failures, idle = 0, got.leases == 0
		l.pulse.failures.Store(0)
		if got.early {
			partial++
		} else {
			partial = 0
		}
		switch {
		case got.all:
			l.grow(ctx, got.asked)
		case partial >= partialInRow:
			l.grow(ctx, (got.leases+1)/2)
		}
	}
}

// grow starts another poller, which goes on for as long as its receives bring all
// that they ask for, or at once as many as enough: when pollers only share what one
// of them could have brought, they bring less.
func (l *lane) grow(ctx context.Context, enough int) {
	if l.pollers.Add(1) >= maxPollers {
		l.pollers.Add(-1)
		return
	}
	l.extra.Go(func() {
		defer l.pollers.Add(-1)
		for {
			got, err := l.receive(ctx, false, nil)
			if err != nil || ctx.Err() != nil || got.leases < got.asked && (!got.early || got.leases < enough) {
				return // the first poller goes on, and reports what is wrong
			}
			if got.all {
				l.grow(ctx, got.asked)
			}
		}
	})
}

// answer is what a receive brought.
type answer struct {
	asked, leases int
	all           bool // as many as one receive of the queue can bring
	early         bool // fewer than asked for but several, and well before its wait was over
}

// receive waits for room, leases messages and hands them to the runners. P is the
// pulse of the first poller, nil for another one: that leases nothing when the last
// receive has found nothing by the time that there is room.
//
// With several queues only a queue that was idle is asked with a long poll, for
// one message and without reserving room, and a reservation is never held while
// waiting: the tasks of the others would wait as long.
func (l *lane) receive(ctx context.Context, idle bool, p *pulse) (answer, error) {
	schedule := l.worker.schedule
	wait := min(longPoll, l.worker.options.Grace/3)
	if wait > time.Second { // brokers count in whole ones
		wait = wait.Truncate(time.Second)
	}
	several := len(l.worker.lanes) > 1
	most, reserve := l.queue.capabilities.MaxReceiveBatch, true
	if several && idle {
		most, reserve = 1, false
	}
	schedule.measure(l.hold)
	asked, reserved, err := schedule.enter(ctx, l.share, most, reserve)
	if err != nil {
		return answer{}, err
	}
	if p == nil && !l.found.Load() {
		schedule.received(l.share, asked, reserved, 0, 0)
		return answer{asked: asked}, nil
	}
	if several && reserved {
		wait = 0
	}
	began := l.now()
	if p != nil {
		p.expect(began, wait)
	}
	leases, err := l.call(ctx, driver.ReceiveOptions{Max: asked, Wait: wait, Hold: l.ask})
	l.found.Store(len(leases) > 0)
	l.signals.took(l.start.Add(began), leases)
	got := answer{asked: asked, leases: len(leases)}
	got.all = got.leases >= max(asked, l.queue.capabilities.MaxReceiveBatch)
	got.early = got.leases > 1 && got.leases < asked && l.now()-began < wait/10
	schedule.received(l.share, asked, reserved, len(leases), l.take(leases))
	return got, err
}

// call does one Receive. Where a cancelled one strands messages it is let
// finish instead.
func (l *lane) call(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	if !l.queue.capabilities.CancelSafe {
		var cancel context.CancelFunc
		ctx, cancel = l.within(opts.Wait + settleCallTime)
		defer cancel()
	}
	return l.queue.Driver.Receive(ctx, opts)
}
