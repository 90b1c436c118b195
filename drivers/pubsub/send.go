package pubsub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// maxConcurrent is how many requests of one Send or Settle run at a time.
const maxConcurrent = 8

// Send publishes the messages, in several requests where they are over 10 MB
// together. InvalidArgument, TooLarge or Unsupported for a message that the queue
// cannot take; NotFound, PermissionDenied, Throttled or Unavailable where Pub/Sub
// says so.
//
// A request has the messages of one ordering key, or those without. What has the
// same key goes out in order, and nothing follows what failed and may be sent again:
// the rest of its group fails with it, unsent.
func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if len(batch) == 0 {
		return nil
	}
	op := q.ops.send
	if err := q.gate.Begin(ctx, op, len(batch), maxPublish); err != nil {
		return driver.FailSend(len(batch), err)
	}
	defer q.gate.Leave()
	if err := q.stillKeeps(op); err != nil {
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

// post publishes parcels to a topic and sets their results. It may change their
// order.
func (q *Queue) post(ctx context.Context, op, topic string, parcels []parcel) {
	if len(parcels) == 0 {
		return
	}
	api, err := q.clients(ctx, op)
	if err != nil {
		for i := range parcels {
			parcels[i].result.Err = err
		}
		return
	}
	p := &publish{api: api, op: op, topic: topic}
	// Pub/Sub refuses a request with several ordering keys.
	slices.SortStableFunc(parcels, func(a, b parcel) int { return strings.Compare(a.key(), b.key()) })
	var running sync.WaitGroup
	slots := make(chan struct{}, maxConcurrent)
	for rest := parcels; len(rest) > 0; {
		var part []parcel
		if part, rest = nextGroup(rest); len(rest) == 0 && len(part) == len(parcels) {
			p.inOrder(ctx, part) // as nearly always
			return
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if err := p.hung.Load(); err != nil {
				p.fail(part, err)
				return
			}
			p.inOrder(ctx, part)
		})
	}
	running.Wait()
}

func (p *parcel) key() string { return p.message.OrderingKey }

// nextGroup takes the first parcels that must go out one after the other: those with
// the same key, or one request of those without.
func nextGroup(parcels []parcel) (first, rest []parcel) {
	key := parcels[0].key()
	n := 1
	for n < len(parcels) && parcels[n].key() == key {
		n++
	}
	if key == "" {
		first, _ := nextRequest(parcels[:n])
		n = len(first)
	}
	return parcels[:n], parcels[n:]
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
	api       *Clients
	op, topic string
	hung      atomic.Pointer[driver.Error] // a request had no answer in time: no other is begun
}

// inOrder makes the requests of a group.
func (p *publish) inOrder(ctx context.Context, parcels []parcel) {
	first, rest := nextRequest(parcels)
	for len(first) > 0 {
		p.part(ctx, first, new(search))
		if err := toSendAgain(first); err != nil {
			p.fail(rest, err)
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

func (p *publish) fail(parcels []parcel, err *driver.Error) {
	for i := range parcels {
		parcels[i].result.Err = &driver.Error{Code: err.Code, Op: p.op, RetryAfter: err.RetryAfter, Err: err.Err}
	}
}

// search is the one for what is refused in a request.
type search struct {
	splits int  // how often a part was halved
	took   bool // a part was taken
}

// part makes one request. One message that Pub/Sub refuses, such as by the topic's
// schema, fails the request, and is looked for by halves, in order. Where many are,
// not all are found: then what is left may be sent again, unless all was refused.
func (p *publish) part(ctx context.Context, parcels []parcel, s *search) {
	err := p.request(ctx, parcels)
	if err == nil {
		s.took = true
		return
	}
	half := len(parcels) / 2
	switch {
	case half == 0 || err.Code != driver.InvalidArgument:
		p.fail(parcels, err)
		return
	case s.splits >= maxSplits && s.took:
		p.fail(parcels, driver.Errorf(driver.Unavailable, p.op, "one of %d messages is refused, and not found yet; send them again: %w", len(parcels), err.Err))
		return
	case s.splits >= maxSplits:
		p.fail(parcels, err)
		return
	}
	s.splits++
	first, rest := parcels[:half], parcels[half:]
	p.part(ctx, first, s)
	if again := toSendAgain(first); again != nil && first[0].key() != "" {
		p.fail(rest, again)
		return
	}
	p.part(ctx, rest, s)
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
		e := classify(ctx, p.op, actionPublish, p.topic, err)
		if timedOut(e) {
			p.hung.Store(e)
		}
		return e
	case len(out.GetMessageIds()) != len(parcels):
		return driver.Errorf(driver.Unavailable, p.op, "the answer has %d ids for %d messages", len(out.GetMessageIds()), len(parcels))
	}
	for i := range parcels {
		parcels[i].result = driver.SendResult{ID: out.MessageIds[i]}
	}
	return nil
}
