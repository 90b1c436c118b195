package servicebus

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

// Send sends the messages in as few batches as they fit into, one after the other;
// those with a delay are scheduled, those with the same delay together. InvalidArgument,
// TooLarge or Unsupported for a message that the queue cannot take; NotFound,
// PermissionDenied, Throttled or Unavailable where Service Bus says so.
//
// The id of a message is its message id, which is the SendID, or a fresh one. On a
// queue with sessions the session id is the GroupKey; a message without one is a session
// of its own.
func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if len(batch) == 0 {
		return nil
	}
	op := q.ops.send
	if err := q.gate.Begin(ctx, op, len(batch), maxBatch); err != nil {
		return driver.FailSend(len(batch), err)
	}
	defer q.gate.Leave()
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
	q.post(ctx, op, parcels)
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
	return q.newParcel(op, m)
}

// parcel is a message on its way.
type parcel struct {
	message *azservicebus.Message
	delay   time.Duration
	index   int // the caller's
	result  driver.SendResult
}

// id is the message id.
func (p *parcel) id() string { return *p.message.MessageID }

// newParcel packs a message as it is.
func (q *Queue) newParcel(op string, m *driver.Message) (parcel, error) {
	all, err := driver.PackAttributes(*m)
	if err != nil {
		return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	properties := make(map[string]any, len(all)+1)
	size := 0
	for name, value := range all {
		properties[name] = value
		size += len(name) + len(value) + propertyFraming
	}
	if size > maxProperties-propertiesRoom {
		return parcel{}, driver.Errorf(driver.TooLarge, op, "attributes of %d bytes exceed %d", size, maxProperties-propertiesRoom)
	}
	if n := size + len(m.Body) + bodyRoom; n > messageLimit(&q.options) && !q.options.Premium {
		return parcel{}, driver.Errorf(driver.TooLarge, op, "a message of %d bytes exceeds %d; use a claim check for large payloads", n, messageLimit(&q.options))
	}
	id := driver.SendIDFor(*m)
	worth := sentOnce
	if m.DedupKey != "" {
		worth = sentKeyed
	}
	to := &azservicebus.Message{Body: m.Body, MessageID: &id, ApplicationProperties: properties}
	if bytes.HasPrefix(m.Body, eventStart) {
		to.ContentType = new(mediaEvent)
	}
	if q.options.Sessions {
		session := m.GroupKey
		if session == "" {
			session = driver.NewSendID()
			worth += sentAlone
		}
		to.SessionID = &session
	}
	properties[attributeSent] = worth
	return parcel{message: to, delay: m.Delay}, nil
}

// propertyFraming is what a property takes beside its name and value.
const propertyFraming = 10

// post sends parcels and sets their results.
func (q *Queue) post(ctx context.Context, op string, parcels []parcel) {
	var now []*parcel
	var delays []time.Duration // in the order in which they appear
	later := make(map[time.Duration][]*parcel)
	for i := range parcels {
		p := &parcels[i]
		if p.delay == 0 {
			now = append(now, p)
			continue
		}
		if later[p.delay] == nil {
			delays = append(delays, p.delay)
		}
		later[p.delay] = append(later[p.delay], p)
	}
	s := shipment{queue: q, op: op, start: time.Now()}
	s.batches(ctx, now)
	for _, delay := range delays {
		s.schedule(ctx, delay, later[delay])
	}
}

// sending is the sender of a queue. Where several requests find that it has no link the
// client library makes one for each, and forgets all but one; so there is one request
// at a time until one has succeeded.
type sending struct {
	turn  chan struct{} // holds a token while there is one request at a time; never closed
	works atomic.Bool   // the last request that was answered found a link

	mu     sync.Mutex
	sender *azservicebus.Sender // nil until the first send; guarded by mu
}

func (s *sending) init() { s.turn = make(chan struct{}, 1) }

// enter waits for the turn of a request, and says how to end it. The context is the
// request's own.
func (s *sending) enter(ctx context.Context) (leave func(works bool), err error) {
	if s.works.Load() {
		return func(works bool) { s.works.CompareAndSwap(true, works) }, nil
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return func(works bool) {
		s.works.Store(works)
		<-s.turn
	}, nil
}

// from is the queue's sender.
func (s *sending) from(c *Clients, queue string) (*azservicebus.Sender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sender == nil {
		sender, err := c.Messages.NewSender(queue, nil)
		if err != nil {
			return nil, err
		}
		s.sender = sender
	}
	return s.sender, nil
}

func (s *sending) close(ctx context.Context) {
	s.mu.Lock()
	sender := s.sender
	s.mu.Unlock()
	if sender != nil {
		_ = sender.Close(ctx) // there is nobody to tell, and nothing to do about it
	}
}

// shipment is the requests of one Send.
type shipment struct {
	queue *Queue
	op    string
	start time.Time
	hung  *driver.Error // a request had no answer in time: no other is begun
}

// request makes one request with a context of its own.
func request[T any](ctx context.Context, s *shipment, f func(ctx context.Context, from *azservicebus.Sender) (T, error)) (T, *driver.Error) {
	var none T
	if s.hung != nil {
		return none, s.hung
	}
	q := s.queue
	value, err := apart(ctx, q, s.op, patience, func(own context.Context) (T, error) {
		c, err := q.clients(own, s.op)
		if err != nil {
			return none, err
		}
		from, err := q.sending.from(c, q.name)
		if err != nil {
			return none, err
		}
		leave, err := q.sending.enter(own)
		if err != nil {
			return none, err
		}
		value, err := f(own, from)
		leave(err == nil || !q.isUnanswered(err))
		return value, err
	})
	if err == nil {
		return value, nil
	}
	e := classify(ctx, s.op, actionSend, q.name, err)
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		s.hung = e
	}
	return none, e
}

func (s *shipment) fail(parcels []*parcel, err *driver.Error) {
	for _, p := range parcels {
		p.result = driver.SendResult{Err: &driver.Error{Code: err.Code, Op: s.op, RetryAfter: err.RetryAfter, Err: err.Err}}
	}
}

func done(parcels []*parcel) {
	for _, p := range parcels {
		p.result = driver.SendResult{ID: p.id()}
	}
}

// batches sends parcels in as few batches as they fit into. What failed and may be sent
// again has nothing follow it on a queue with sessions: it would pass it.
func (s *shipment) batches(ctx context.Context, parcels []*parcel) {
	for len(parcels) > 0 {
		batch, err := request(ctx, s, func(own context.Context, from *azservicebus.Sender) (*azservicebus.MessageBatch, error) {
			return from.NewMessageBatch(own, nil)
		})
		if err != nil {
			s.fail(parcels, err)
			return
		}
		n := 0
		for n < len(parcels) && batch.AddMessage(parcels[n].message, nil) == nil {
			n++
		}
		first := parcels[:max(1, n)]
		switch {
		case n > 1:
			err = s.batch(ctx, batch, first)
		default:
			err = s.single(ctx, first[0])
		}
		parcels = parcels[len(first):]
		if err != nil && s.queue.options.Sessions && driver.Retryable(err) {
			s.fail(parcels, err)
			return
		}
	}
}

// batch sends a batch. Service Bus takes all of it or nothing, so where it refuses
// something in it, such as messages of several sessions on a partitioned queue, each is
// sent by itself.
func (s *shipment) batch(ctx context.Context, batch *azservicebus.MessageBatch, parcels []*parcel) *driver.Error {
	_, err := request(ctx, s, func(own context.Context, from *azservicebus.Sender) (struct{}, error) {
		return struct{}{}, from.SendMessageBatch(own, batch, nil)
	})
	switch {
	case err == nil:
		done(parcels)
		return nil
	case err.Code != driver.InvalidArgument && err.Code != driver.TooLarge:
		s.fail(parcels, err)
		return err
	}
	for i, p := range parcels {
		if err := s.single(ctx, p); err != nil && driver.Retryable(err) {
			s.fail(parcels[i:], err)
			return err
		}
	}
	return nil
}

// single sends one message by itself.
func (s *shipment) single(ctx context.Context, p *parcel) *driver.Error {
	m := *p.message
	m.Body = slices.Clone(m.Body) // the request may outlast the call
	_, err := request(ctx, s, func(own context.Context, from *azservicebus.Sender) (struct{}, error) {
		return struct{}{}, from.SendMessage(own, &m, nil)
	})
	if err != nil {
		s.fail([]*parcel{p}, err)
		return err
	}
	done([]*parcel{p})
	return nil
}

// maxScheduled is the most bytes in a request that schedules messages: it is one
// message itself.
const maxScheduled = 200 << 10

// schedule sends parcels that are due after delay.
func (s *shipment) schedule(ctx context.Context, delay time.Duration, parcels []*parcel) {
	due := s.start.Add(delay + time.Millisecond - 1).Truncate(time.Millisecond) // the grain of the wire, never early
	for len(parcels) > 0 {
		n, size := 0, 0
		var messages []*azservicebus.Message
		for n < len(parcels) && n < maxReceive {
			if size += sizeOf(parcels[n].message); size > maxScheduled && n > 0 {
				break
			}
			m := *parcels[n].message
			m.Body = slices.Clone(m.Body) // the request may outlast the call
			messages = append(messages, &m)
			n++
		}
		first := parcels[:n]
		parcels = parcels[n:]
		numbers, err := request(ctx, s, func(own context.Context, from *azservicebus.Sender) ([]int64, error) {
			return from.ScheduleMessages(own, messages, due, nil)
		})
		switch {
		case err == nil && len(numbers) != n:
			s.fail(first, driver.Errorf(driver.Unavailable, s.op, "the answer has %d sequence numbers for %d messages", len(numbers), n))
		case err == nil:
			done(first)
			for i, p := range first {
				s.queue.delayed.note(p.id(), numbers[i], due)
			}
		default:
			s.fail(first, err)
		}
	}
}

// sizeOf is about what a message takes in a request.
func sizeOf(m *azservicebus.Message) int {
	size := len(m.Body) + bodyRoom
	for name, value := range m.ApplicationProperties {
		text, _ := value.(string)
		size += len(name) + len(text) + propertyFraming
	}
	return size
}
