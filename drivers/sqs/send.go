package sqs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// maxConcurrent is how many requests of one Send run at a time.
const maxConcurrent = 3

// Send stores the messages, in several requests where they are over 1 MiB
// together. InvalidArgument, TooLarge or Unsupported for a message that the queue
// cannot take; NotFound, PermissionDenied, Throttled or Unavailable where Amazon
// SQS says so, for the whole batch or for one message of it.
//
// On a FIFO queue the requests go out in order, and none follows one that failed,
// or of which a message failed that may be sent again: the messages of the rest
// fail with it, unsent.
func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if len(batch) == 0 {
		return nil
	}
	op := q.ops.send
	if err := q.gate.Begin(ctx, op, len(batch), maxBatch); err != nil {
		return driver.FailSend(len(batch), err)
	}
	defer q.gate.Leave()
	url, err := q.url(ctx, op)
	if err != nil {
		return driver.FailSend(len(batch), err)
	}

	results := make([]driver.SendResult, len(batch))
	parcels := make([]parcel, 0, len(batch))
	for i := range batch {
		p, err := q.pack(op, &batch[i])
		if err != nil {
			results[i].Err = err
			continue
		}
		p.index = i
		parcels = append(parcels, p)
	}
	q.post(ctx, op, actionSend, url, parcels)
	for i := range parcels {
		results[parcels[i].index] = parcels[i].result
	}
	return results
}

// pack makes a parcel of a message, or refuses it.
func (q *Queue) pack(op string, m *driver.Message) (parcel, error) {
	if err := driver.CheckMessage(op, &q.capabilities, m); err != nil {
		return parcel{}, err
	}
	if strings.HasPrefix(m.GroupKey, loneGroup) {
		return parcel{}, driver.Errorf(driver.InvalidArgument, op, "a group key that begins with %s is reserved", loneGroup)
	}
	all, err := driver.PackAttributes(*m)
	if err != nil {
		return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	p := q.parcel(m, aws.String(string(m.Body)), native(all))
	if p.size > maxBytes {
		return parcel{}, driver.Errorf(driver.TooLarge, op, "body and attributes of %d bytes exceed %d; use a claim check for large payloads", p.size, maxBytes)
	}
	return p, nil
}

// parcel is a message on its way to a queue.
type parcel struct {
	entry  types.SendMessageBatchRequestEntry
	size   int
	index  int // the caller's
	result driver.SendResult
}

// parcel makes one for m, with a body and attributes that may be others than m's.
func (q *Queue) parcel(m *driver.Message, body *string, attributes map[string]types.MessageAttributeValue) parcel {
	p := parcel{size: len(*body)}
	p.entry.MessageBody, p.entry.MessageAttributes = body, attributes
	for name, v := range attributes {
		p.size += sizeOf(name, &v)
	}
	fifo := q.capabilities.Ordered
	sendID := m.SendID
	if fifo {
		sendID = driver.SendIDFor(*m)
		p.entry.MessageDeduplicationId = &sendID
	}
	p.entry.MessageGroupId = groupID(m, fifo, sendID)
	p.entry.DelaySeconds = seconds(driver.RoundUp(&q.capabilities, m.Delay))
	return p
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// ids are the ids of the entries of a batch.
var ids = func() (p [maxBatch]*string) {
	for i := range p {
		p[i] = aws.String(string('0' + rune(i)))
	}
	return p
}()

// entryIndex is the reverse of ids, or -1.
func entryIndex(id *string, n int) int {
	if id == nil || len(*id) != 1 || (*id)[0] < '0' || int((*id)[0]-'0') >= n {
		return -1
	}
	return int((*id)[0] - '0')
}

// post sends parcels to a queue and sets their results. Action is what that needs
// permission for.
func (q *Queue) post(ctx context.Context, op, action, url string, parcels []parcel) {
	first, rest := nextRequest(parcels)
	if len(rest) == 0 {
		_ = q.postOne(ctx, op, action, url, first) // it is in the results
		return
	}
	if q.capabilities.Ordered {
		for len(first) > 0 {
			err := q.postOne(ctx, op, action, url, first)
			if err == nil {
				err = toSendAgain(first)
			}
			if err != nil {
				for i := range rest {
					rest[i].result.Err = &driver.Error{Code: err.Code, Op: op, RetryAfter: err.RetryAfter, Err: err.Err}
				}
				return
			}
			first, rest = nextRequest(rest)
		}
		return
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, maxConcurrent)
	for len(first) > 0 {
		request := first
		slots <- struct{}{}
		running.Go(func() {
			_ = q.postOne(ctx, op, action, url, request) // it is in the results
			<-slots
		})
		first, rest = nextRequest(rest)
	}
	running.Wait()
}

// toSendAgain is why one of the parcels did not go out that may be sent again, or
// nil: what follows in its group must not pass it.
func toSendAgain(parcels []parcel) *driver.Error {
	for i := range parcels {
		if err, ok := errors.AsType[*driver.Error](parcels[i].result.Err); ok && driver.Retryable(err) {
			return err
		}
	}
	return nil
}

// nextRequest takes the first parcels that fit into one request.
func nextRequest(parcels []parcel) (first, rest []parcel) {
	n, size := 0, 0
	for n < len(parcels) && n < maxBatch && (n == 0 || size+parcels[n].size <= maxBytes) {
		size += parcels[n].size
		n++
	}
	return parcels[:n], parcels[n:]
}

// postOne makes one request. Its error is that of all of it.
func (q *Queue) postOne(ctx context.Context, op, action, url string, parcels []parcel) *driver.Error {
	if len(parcels) == 0 {
		return nil
	}
	entries := make([]types.SendMessageBatchRequestEntry, len(parcels))
	for i := range parcels {
		entries[i] = parcels[i].entry
		entries[i].Id = ids[i]
	}
	request, cancel := within(ctx, 0)
	defer cancel()
	out, err := q.api.SendMessageBatch(request, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		e := classify(ctx, op, action, err)
		for i := range parcels {
			parcels[i].result.Err = e
		}
		return e
	}
	for i := range out.Successful {
		if at := entryIndex(out.Successful[i].Id, len(parcels)); at >= 0 {
			parcels[at].result = driver.SendResult{ID: aws.ToString(out.Successful[i].MessageId)}
		}
	}
	for i := range out.Failed {
		if at := entryIndex(out.Failed[i].Id, len(parcels)); at >= 0 {
			parcels[at].result = driver.SendResult{Err: entryError(op, action, &out.Failed[i])}
		}
	}
	for i := range parcels {
		if r := &parcels[i].result; r.ID == "" && r.Err == nil {
			r.Err = missing(op)
		}
	}
	return nil
}
