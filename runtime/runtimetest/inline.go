package runtimetest

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// inlineHold is how long a handler may run inline: nobody extends its lease.
const inlineHold = 11 * time.Hour

// undelayed is m, due at once.
func undelayed(m driver.Message) driver.Message {
	m.Delay, m.Carry.NotBefore = 0, time.Time{}
	return m
}

// visible does what makes messages visible and leases all there are.
func (q *queue) visible(ctx context.Context, do func()) []driver.Lease {
	q.mu.Lock()
	defer q.mu.Unlock()
	do()
	var all []driver.Lease
	for {
		leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: q.Capabilities().MaxReceiveBatch, Hold: inlineHold})
		if all = append(all, leases...); err != nil || len(leases) == 0 {
			return all // an error says that the kit is closed
		}
	}
}

// workOff runs the handlers of leases, and of what becomes visible by that, until
// there is nothing left.
func (q *queue) workOff(ctx context.Context, leases []driver.Lease) {
	info := q.kit.info(q.name)
	for len(leases) > 0 {
		lease := leases[0]
		leases = leases[1:]
		s := runtime.Settled{Queue: q.name, MessageID: lease.Message().ID}
		s.Decision = q.inline.Dispatch(ctx, runtime.Delivery{Lease: lease, Queue: info})
		leases = append(leases, q.visible(ctx, func() { s.Err = q.settleAtOnce(ctx, s.Decision) })...)
		q.kit.Record(s)
	}
}

// settleAtOnce does what was decided, without its delay. The caller holds mu.
func (q *queue) settleAtOnce(ctx context.Context, d runtime.Decision) error {
	if d.Copy != nil {
		if err := q.Queue.Send(ctx, []driver.Message{undelayed(*d.Copy)})[0].Err; err != nil {
			return err
		}
	}
	settlement := d.Settlement
	settlement.Delay = 0
	return q.Settle(ctx, []driver.Settlement{settlement})[0]
}
