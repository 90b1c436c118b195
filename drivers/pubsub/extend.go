package pubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// Extend moves the end of each lease to hold from now. InvalidArgument for a hold
// outside 10 s to 600 s; LeaseLost, without a request, for a lease that is past its
// end or was settled, for one that is by the time of the answer, and where Pub/Sub
// says so, which alone counts with exactly-once delivery once the request is made;
// Unsupported for a pushed message.
func (s *source) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if len(leases) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.extend
	if err := q.gate.Begin(ctx, op, len(leases), maxIDs); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	defer q.gate.Leave()
	hold, err := s.prepareExtend(ctx, op, hold)
	if err != nil {
		return driver.FailExtend(len(leases), err)
	}
	results := make([]driver.ExtendResult, len(leases))
	w := s.work(op, len(leases), func(i int) driver.Lease { return leases[i] })
	w.Do(ctx, func(claimed []claim) {
		start := time.Now()
		s.modify(ctx, op, hold, claimed, w.Errs)
		now := time.Now()
		end, over := start.Add(hold), now.Add(hold)
		for _, c := range claimed {
			state := c.Lease.State()
			switch err := w.Errs[c.Index]; {
			case err == nil && (s.isDead() || !q.options.ExactlyOnce) && state.Past(now):
				// Pub/Sub says yes to anybody, and may have delivered the message again.
				w.Errs[c.Index] = driver.Errorf(driver.LeaseLost, op, "the lease expired before the answer came")
				state.Free(false)
			case err == nil:
				results[c.Index].Expires = end
				state.Last(end, over)
				state.Free(false)
			default:
				if driver.OutcomeUnknown(err) {
					state.MayEnd(end, over)
				}
				state.Free(driver.Is(err, driver.LeaseLost))
			}
		}
	})
	for i, err := range w.Errs {
		results[i].Err = err
	}
	return results
}

// prepareExtend is the hold of an extend.
func (s *source) prepareExtend(ctx context.Context, op string, hold time.Duration) (time.Duration, error) {
	if s.isDead() {
		if err := s.there(ctx, op); err != nil {
			return 0, err
		}
	}
	if hold != 0 {
		err := driver.CheckHold(op, &s.queue.capabilities, hold)
		return driver.RoundUp(&s.queue.capabilities, hold), err
	}
	hold, _, err := s.holds(ctx, op, 0)
	return hold, err
}

// modify sets the ack deadline of claimed leases to d from now, 0 to release them,
// where their slot in errs has no error yet, and sets those of the ones that fail.
func (s *source) modify(ctx context.Context, op string, d time.Duration, claims []claim, errs []error) {
	r := request{source: s, op: op, errs: errs, repeatable: d > 0}
	r.send = func(ctx context.Context, api *Clients, ids []string) error {
		return api.Subscriptions.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: s.subscription, AckIds: ids, AckDeadlineSeconds: int32(d / time.Second),
		}, once)
	}
	r.do(ctx, claims)
}

// acknowledge deletes the messages of claimed leases likewise.
func (s *source) acknowledge(ctx context.Context, op string, claims []claim, errs []error) {
	r := request{source: s, op: op, errs: errs}
	r.send = func(ctx context.Context, api *Clients, ids []string) error {
		return api.Subscriptions.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: s.subscription, AckIds: ids}, once)
	}
	r.do(ctx, claims)
}
