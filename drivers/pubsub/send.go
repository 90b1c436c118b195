package pubsub

import (
	"context"
	"errors"
	"sync"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// maxConcurrent is how many requests of one Send or Settle run at a time.
const maxConcurrent = 4

// Send publishes the messages, in several requests where they are over 10 MB
// together. InvalidArgument, TooLarge or Unsupported for a message that the queue
// cannot take; NotFound, PermissionDenied, Throttled or Unavailable where Pub/Sub
// says so.
//
// On an ordered queue the requests go out in order, and none follows one that failed
// and may be sent again: the messages of the rest fail with it, unsent.
func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if len(batch) == 0 {
		return nil
	}
	op := q.ops.send
	if err := q.enter(ctx, op, len(batch), maxPublish); err != nil {
		return driver.FailSend(len(batch), err)
	}
	defer q.gate.leave()
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
	q.post(ctx, op, q.topic, parcels)
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
	all, err := driver.PackAttributes(*m)
	if err != nil {
		return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	p := newParcel(q.topic, &pubsubpb.PubsubMessage{Data: m.Body, Attributes: all, OrderingKey: m.GroupKey})
	if !p.fits() {
		return parcel{}, driver.Errorf(driver.TooLarge, op, "body and attributes of %d bytes exceed %d; use a claim check for large payloads", p.size, maxBytes)
	}
	return p, nil
}

// parcel is a message on its way to a topic.
type parcel struct {
	message *pubsubpb.PubsubMessage
	size    int // of a request with it alone, at most
	index   int // the caller's
	result  driver.SendResult
}

// framing is at most what a message takes in a request beside its parts.
const framing = 50

func newParcel(topic string, m *pubsubpb.PubsubMessage) parcel {
	p := parcel{message: m, size: len(topic) + len(m.Data) + len(m.OrderingKey) + framing}
	for name, value := range m.Attributes {
		p.size += sizeOf(name, value)
	}
	return p
}

func (p *parcel) fits() bool { return p.size <= maxBytes && len(p.message.Attributes) <= maxNative }

// post publishes parcels to a topic and sets their results.
func (q *Queue) post(ctx context.Context, op, topic string, parcels []parcel) {
	if len(parcels) == 0 {
		return
	}
	api, err := q.api.clients(ctx, op)
	if err != nil {
		for i := range parcels {
			parcels[i].result.Err = err
		}
		return
	}
	p := &publish{queue: q, api: api, op: op, topic: topic}
	first, rest := nextRequest(parcels)
	if len(rest) == 0 || q.capabilities.Ordered {
		p.inOrder(ctx, first, rest)
		return
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, maxConcurrent)
	for len(first) > 0 {
		part := first
		slots <- struct{}{}
		running.Go(func() {
			p.part(ctx, part)
			<-slots
		})
		first, rest = nextRequest(rest)
	}
	running.Wait()
}

// nextRequest takes the first parcels that fit into one request.
func nextRequest(parcels []parcel) (first, rest []parcel) {
	n, size := 0, 0
	for n < len(parcels) && n < maxPublish && (n == 0 || size+parcels[n].size <= maxBytes) {
		size += parcels[n].size
		n++
	}
	return parcels[:n], parcels[n:]
}

// publish is the requests to one topic.
type publish struct {
	queue     *Queue
	api       *Clients
	op, topic string
}

func (p *publish) inOrder(ctx context.Context, first, rest []parcel) {
	for len(first) > 0 {
		p.part(ctx, first)
		if err := toSendAgain(first); err != nil {
			for i := range rest {
				rest[i].result.Err = &driver.Error{Code: err.Code, Op: p.op, RetryAfter: err.RetryAfter, Err: err.Err}
			}
			return
		}
		first, rest = nextRequest(rest)
	}
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

// part makes one request. One message that Pub/Sub refuses, such as by the topic's
// schema, fails the request, and is looked for by halves, in order.
func (p *publish) part(ctx context.Context, parcels []parcel) {
	splits := 0
	p.halves(ctx, parcels, &splits)
}

func (p *publish) halves(ctx context.Context, parcels []parcel, splits *int) {
	err := p.request(ctx, parcels)
	if err == nil {
		return
	}
	if half := len(parcels) / 2; half > 0 && *splits < maxSplits && err.Code == driver.InvalidArgument {
		*splits++
		first, rest := parcels[:half], parcels[half:]
		p.halves(ctx, first, splits)
		if again := toSendAgain(first); again == nil || !p.queue.capabilities.Ordered {
			p.halves(ctx, rest, splits)
			return
		} else {
			err, parcels = again, rest
		}
	}
	for i := range parcels {
		parcels[i].result.Err = err
	}
}

func (p *publish) request(ctx context.Context, parcels []parcel) *driver.Error {
	in := &pubsubpb.PublishRequest{Topic: p.topic, Messages: make([]*pubsubpb.PubsubMessage, len(parcels))}
	for i := range parcels {
		in.Messages[i] = parcels[i].message
	}
	request, cancel := within(ctx, patience)
	defer cancel()
	out, err := p.api.Topics.Publish(request, in, once)
	switch {
	case err != nil:
		return classify(ctx, p.op, actionPublish, p.topic, err)
	case len(out.GetMessageIds()) != len(parcels):
		return driver.Errorf(driver.Unavailable, p.op, "the answer has %d ids for %d messages", len(out.GetMessageIds()), len(parcels))
	}
	for i := range parcels {
		parcels[i].result = driver.SendResult{ID: out.MessageIds[i]}
	}
	return nil
}
