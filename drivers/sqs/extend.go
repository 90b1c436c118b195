package sqs

import (
	"context"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// Extend moves the end of each lease to hold from now, in one request.
// InvalidArgument past 11h59m from the receive; LeaseLost, without a request, for
// a lease that is past its end or was settled, and where Amazon SQS says so.
func (s *source) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	if len(leases) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.extend
	if err := q.gate.Begin(ctx, op, len(leases), maxBatch); err != nil {
		return driver.FailExtend(len(leases), err)
	}
	defer q.gate.Leave()
	url, hold, err := s.prepareExtend(ctx, op, hold)
	if err != nil {
		return driver.FailExtend(len(leases), err)
	}
	results := make([]driver.ExtendResult, len(leases))
	w := s.work(op, len(leases), func(i int) driver.Lease { return leases[i] })
	w.Do(ctx, func(claimed []claim) {
		start := time.Now()
		changes := make([]change, len(claimed))
		for i, c := range claimed {
			changes[i] = change{claim: c, visibility: seconds(hold)}
			w.Errs[c.Index] = driver.CheckTotal(op, &q.capabilities, c.Lease, hold, start)
		}
		s.change(ctx, op, url, changes, w.Errs)
		end := start.Add(hold)
		for _, c := range claimed {
			if err := w.Errs[c.Index]; err != nil {
				if driver.OutcomeUnknown(err) {
					c.Lease.State().MayEnd(end, end)
				}
				c.Lease.State().Free(driver.Is(err, driver.LeaseLost))
				continue
			}
			results[c.Index].Expires = end
			c.Lease.State().Last(end, end)
			c.Lease.State().Free(false)
		}
	})
	for i, err := range w.Errs {
		results[i].Err = err
	}
	return results
}

func (s *source) prepareExtend(ctx context.Context, op string, hold time.Duration) (string, time.Duration, error) {
	url, err := s.url(ctx, op)
	if err != nil {
		return "", 0, err
	}
	if hold == 0 {
		hold, err = s.ownHold(ctx, op)
	} else {
		err = driver.CheckHold(op, &s.queue.capabilities, hold)
	}
	return url, driver.RoundUp(&s.queue.capabilities, hold), err
}

// change is a new visibility timeout of a claimed lease, in seconds from now.
type change struct {
	claim
	visibility int32
}

// change makes the changes whose slot in errs has no error yet, and sets those of
// the others that fail.
func (s *source) change(ctx context.Context, op, url string, changes []change, errs []error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, 0, len(changes))
	slots := make([]int, 0, len(changes))
	for i := range changes {
		c := &changes[i]
		if errs[c.Index] != nil {
			continue
		}
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: ids[len(entries)], ReceiptHandle: &c.Lease.handle, VisibilityTimeout: c.visibility,
		})
		slots = append(slots, c.Index)
	}
	if len(entries) == 0 {
		return
	}
	request, cancel := within(ctx, 0)
	defer cancel()
	out, err := s.queue.api.ChangeMessageVisibilityBatch(request, &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		fillErrors(errs, slots, classify(ctx, op, actionChange, err))
		return
	}
	fillErrors(errs, slots, missing(op))
	for i := range out.Successful {
		if at := entryIndex(out.Successful[i].Id, len(slots)); at >= 0 {
			errs[slots[at]] = nil
		}
	}
	setFailed(op, actionChange, out.Failed, errs, slots)
}

func fillErrors(errs []error, slots []int, err error) {
	for _, i := range slots {
		errs[i] = err
	}
}

func setFailed(op, action string, failed []types.BatchResultErrorEntry, errs []error, slots []int) {
	for i := range failed {
		if at := entryIndex(failed[i].Id, len(slots)); at >= 0 {
			errs[slots[at]] = entryError(op, action, &failed[i])
		}
	}
}
