package runtimetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// inlineHold is how long a handler may run inline: nobody extends its lease.
const inlineHold = 11 * time.Hour

// Inline runs the handlers of mux from now on: each Enqueue and EnqueueMany works
// off what it has enqueued before it returns, in its own goroutine. One attempt
// follows the other at once; delays, backoffs and snoozes are not waited for.
//
// Enqueue answers what it would without: nil, whatever becomes of the task. That
// is in [Kit.Attempts]. A task of a group that is under way runs when the one
// before it has ended. A handler may run for up to 11 h.
//
// It fails the test when there is something wrong with the mux, and after
// [Options].MaxDeliveries: then it leaves tasks where they are.
func (k *Kit) Inline(tb testing.TB, mux *runtime.Mux) {
	tb.Helper()
	if err := mux.Err(); err != nil {
		tb.Fatalf("runtimetest: inline: %v", err)
	}
	in := &inline{tb: tb, mux: mux}
	in.left.Store(int64(k.maxDeliveries))
	k.inline.Store(in)
}

// inline is how a kit runs handlers in Enqueue.
type inline struct {
	tb   testing.TB
	mux  *runtime.Mux
	left atomic.Int64 // deliveries
}

// over counts a delivery and says whether it is one too many, for which the test
// fails once.
func (in *inline) over(k *Kit) bool {
	n := in.left.Add(-1)
	if n == -1 {
		left, err := k.left(k.queues.All())
		if err == nil {
			err = k.endless(left)
		}
		in.tb.Errorf("runtimetest: inline: %v", err)
	}
	return n < 0
}

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

// workOff runs the handlers for leases, and of what becomes visible by that, until
// there is nothing left.
func (q *queue) workOff(ctx context.Context, in *inline, leases []driver.Lease) {
	info := q.kit.info(q.name)
	for len(leases) > 0 && !in.over(q.kit) {
		lease := leases[0]
		leases = leases[1:]
		s := runtime.Settled{Queue: q.name, MessageID: lease.Message().ID}
		s.Decision = in.mux.Dispatch(ctx, runtime.Delivery{Lease: lease, Queue: info})
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
