package sqs

import (
	"context"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// Settle ends leases, see [driver.Source], by at most three kinds of requests: the
// copies of Bury and Redrive are sent, then what was sent or acked is deleted,
// then what is released becomes visible.
//
// LeaseLost for a lease that was settled or is past its end, but for an Ack, and
// where Amazon SQS says so; NotFound for a Bury without a dead letter; TooLarge for
// one that has no room for the death record.
func (s *source) Settle(ctx context.Context, batch []driver.Settlement) []error {
	if len(batch) == 0 {
		return nil
	}
	q := s.queue
	op := q.ops.settle
	if err := q.gate.Begin(ctx, op, len(batch), maxBatch); err != nil {
		return driver.FailSettle(len(batch), err)
	}
	defer q.gate.Leave()
	url, err := s.url(ctx, op)
	if err != nil {
		return driver.FailSettle(len(batch), err)
	}
	w := s.work(op, len(batch), func(i int) driver.Lease { return batch[i].Lease })
	w.Check = func(i int) error { return driver.CheckSettlement(op, &q.capabilities, &batch[i], s.isDead()) }
	w.Late = func(i int) claims.Lateness { return lateness(batch[i].Verdict) }
	w.Do(ctx, func(claimed []claim) {
		s.settle(ctx, op, url, batch, claimed, w.Errs)
		for _, c := range claimed {
			err := w.Errs[c.Index]
			c.Lease.State().Free(err == nil || driver.Is(err, driver.LeaseLost))
		}
	})
	return w.Errs
}

// lateness is how far past its end a lease may be for a verdict. An ack is harmless,
// and saves a run where the message has not been delivered again.
func lateness(v driver.Verdict) claims.Lateness {
	if v == driver.Ack {
		return claims.Always
	}
	return claims.Never
}

// settle settles claimed leases and sets the errors of those that fail.
func (s *source) settle(ctx context.Context, op, url string, batch []driver.Settlement, claimed []claim, errs []error) {
	var moves, deletes []claim
	var changes []change
	now := time.Now()
	for _, c := range claimed {
		switch v := &batch[c.Index]; v.Verdict {
		case driver.Release:
			delay := driver.RoundUp(&s.queue.capabilities, v.Delay)
			errs[c.Index] = driver.CheckTotal(op, &s.queue.capabilities, c.Lease, delay, now)
			changes = append(changes, change{c, seconds(delay)})
		case driver.Bury, driver.Redrive:
			moves = append(moves, c)
			deletes = append(deletes, c)
		default:
			if deletes == nil {
				deletes = make([]claim, 0, len(claimed))
			}
			deletes = append(deletes, c)
		}
	}
	if len(moves) > 0 {
		s.sendCopies(ctx, op, batch, moves, errs)
	}
	if len(deletes) > 0 {
		s.delete(ctx, op, url, deletes, errs)
	}
	if len(changes) > 0 {
		s.change(ctx, op, url, changes, errs)
	}
}

// delete deletes the messages whose slot in errs has no error yet, and sets those
// of the others that fail.
func (s *source) delete(ctx context.Context, op, url string, list []claim, errs []error) {
	entries := make([]types.DeleteMessageBatchRequestEntry, 0, len(list))
	slots := make([]int, 0, len(list))
	for _, c := range list {
		if errs[c.Index] != nil {
			continue
		}
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: ids[len(entries)], ReceiptHandle: &c.Lease.handle})
		slots = append(slots, c.Index)
	}
	if len(entries) == 0 {
		return
	}
	request, cancel := within(ctx, 0)
	defer cancel()
	sent := time.Now()
	out, err := s.queue.api.DeleteMessageBatch(request, &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		fillErrors(errs, slots, classify(ctx, op, actionDelete, err))
		return
	}
	s.queue.skew.note(sent, time.Now(), out.ResultMetadata)
	if len(out.Failed) == 0 && len(out.Successful) == len(slots) {
		return
	}
	fillErrors(errs, slots, missing(op))
	for i := range out.Successful {
		if at := entryIndex(out.Successful[i].Id, len(slots)); at >= 0 {
			errs[slots[at]] = nil
		}
	}
	setFailed(op, actionDelete, out.Failed, errs, slots)
}
