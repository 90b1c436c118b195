package runtimetest

import (
	"context"
	"errors"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// Dead are the dead letters of all queues, those first that died first on theirs.
// They stay dead; [runtime.Redrive] sends them back. It fails the test when the
// kit is closed.
func (k *Kit) Dead(tb testing.TB) []runtime.DeadTask {
	tb.Helper()
	var dead []runtime.DeadTask
	for _, q := range k.queues.All() {
		some, err := deadOf(q.Driver)
		if err != nil {
			tb.Fatalf("runtimetest: dead letters of queue %q: %v", q.Name, err)
		}
		dead = append(dead, some...)
	}
	return dead
}

// deadOf leases all dead letters of a queue and gives them back.
func deadOf(q driver.Queue) (dead []runtime.DeadTask, err error) {
	ctx := context.Background()
	var back []driver.Settlement
	for {
		leases, err := q.DeadLetter().Receive(ctx, driver.ReceiveOptions{Max: q.Capabilities().MaxReceiveBatch})
		if driver.Is(err, driver.NotFound) { // it has none
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if len(leases) == 0 {
			break
		}
		for _, lease := range leases {
			m := lease.Message()
			dead = append(dead, deadTask(&m))
			back = append(back, driver.Settlement{Lease: lease, Verdict: driver.Release})
		}
	}
	var errs []error
	for size := q.Capabilities().MaxSettleBatch; len(back) > 0; {
		n := min(size, len(back))
		errs = append(errs, q.DeadLetter().Settle(ctx, back[:n])...)
		back = back[n:]
	}
	return dead, errors.Join(errs...)
}

func deadTask(m *driver.Message) runtime.DeadTask {
	t := runtime.DeadTask{MessageID: m.ID, Attributes: m.Attributes, Redrives: m.Carry.Redrives, Message: *m}
	if m.Death != nil {
		t.Death = *m.Death
	}
	var event envelope.Event
	found, err := envelope.DecodeBinary(m.Attributes, m.Body, &event)
	if !found {
		err = envelope.Decode(m.Body, &event)
	}
	if err == nil {
		t.ID, t.Kind, t.EnqueuedAt, t.DataRef = runtime.TaskID(event.ID), event.Type, event.Time, event.DataRef
	}
	return t
}
