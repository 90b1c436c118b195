package runtime

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// maxPuts is how many payloads of one call of EnqueueMany are written at a time.
const maxPuts = 8

// luggage is the payload of a task that is to go to the store.
type luggage struct {
	event envelope.Event // with the payload as its data
}

// pack makes the body of a task, or leaves that to check in when its payload has to
// go to the store.
func (c *Client) pack(t *Outgoing, event *envelope.Event) error {
	p := c.payloads
	limit := t.room()
	bound := limit
	if p.Store != nil {
		bound = min(p.Threshold, limit)
	}
	if n := len(event.Data); n <= bound && (p.Compression == nil || n < minCompressed) {
		body, err := envelope.Append(t.body, event)
		if err != nil {
			return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "%w", err)
		}
		if len(body) <= bound {
			t.body = body
			return nil
		}
	}
	data, err := envelope.Payload(event.DataContentType, event.Data)
	if err != nil {
		return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "%w", err)
	}
	if len(data) > p.MaxSize {
		return driver.Errorf(driver.TooLarge, enqueueOp(t.Kind),
			"the payload has %d bytes, more than %d; raise Payloads.MaxSize of client and workers, or send less", len(data), p.MaxSize)
	}
	whole := *event
	whole.Data = data
	inline, stored := whole, whole
	if p.Compression != nil && len(data) >= minCompressed {
		small := whole
		small.Data = p.Compression.Compress(data)
		small.DataContentType = p.Compression.ContentType()
		small.DecodedContentType = cmp.Or(event.DataContentType, JSON.ContentType())
		if envelope.Size(&small) < envelope.Size(&whole) { // in a message it travels in base64
			inline = small
		}
		if len(small.Data) < len(data) {
			stored = small
		}
	}
	if p.Store == nil || envelope.Size(&inline) <= bound {
		return c.inline(t, &inline)
	}
	bare := stored
	bare.Data = nil
	if _, err := envelope.Append(nil, &bare); err != nil { // before anything is written
		return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "%w", err)
	}
	t.luggage = &luggage{stored}
	return nil
}

// room is how many bytes a body may have: what its attributes and the headroom leave.
// Amazon SQS counts name, type and value of each, Azure Service Bus and Pub/Sub name and
// value. Source: Amazon SQS Developer Guide, "Amazon SQS message quotas".
func (t *Outgoing) room() int {
	n := t.queue.capabilities.MaxBody - headroom
	for name, value := range t.Attributes {
		n -= len(name) + len("String") + len(value)
	}
	return n
}

// inline makes the body of a task whose payload it has.
func (c *Client) inline(t *Outgoing, event *envelope.Event) error {
	body, err := envelope.Append(t.body, event)
	if err != nil {
		return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "%w", err)
	}
	if limit := t.room(); len(body) > limit {
		return driver.Errorf(driver.TooLarge, enqueueOp(t.Kind),
			"the task takes %d bytes, more than %d on queue %q; give the client a store for large payloads (ClientOptions.Payloads), or send a reference", len(body), limit, t.Queue)
	}
	t.body = body
	return nil
}

// objectName is a name that tells whose payload it is and cannot be guessed.
func objectName(id TaskID) string {
	name := []byte(id)
	for i, c := range name {
		if !isNameByte(c) {
			name[i] = '_'
		}
	}
	return string(name) + "." + rand.Text()
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// checkIn writes the payload of a task to the store, unless that is done, and makes
// the body that refers to it. It tries again what may pass.
func (c *Client) checkIn(ctx context.Context, t *Outgoing) error {
	l := t.luggage
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.payloads.Timeout)
	defer cancel()
	ref, err := c.payloads.Store.Put(ctx, objectName(t.ID), l.event.Data)
	for try := 1; driver.Retryable(err) && sleep(ctx, max(callBackoff(try, string(t.ID)), retryAfter(err))) == nil; try++ {
		again, failed := c.payloads.Store.Put(ctx, objectName(t.ID), l.event.Data)
		if failed != nil && ctx.Err() != nil {
			break // our time is over: what it failed with before says more
		}
		ref, err = again, failed
	}
	if err != nil {
		return driver.Errorf(driver.CodeOf(err), enqueueOp(t.Kind), "its payload of %d bytes was not stored: %w", len(l.event.Data), err)
	}
	event := l.event
	event.Data, event.DataRef = nil, ref
	if len(ref) == 0 || len(ref) > maxRef {
		return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "the store answered a reference of %d bytes; it is to have 1 to %d", len(ref), maxRef)
	}
	if err := c.inline(t, &event); err != nil {
		return err
	}
	t.luggage = nil
	return nil
}

// maxRef is the most bytes in a reference to a payload.
const maxRef = 1024

// checkInAll is checkIn for tasks of one call. It writes into results why some cannot
// be sent, and answers whether all can.
func (c *Client) checkInAll(ctx context.Context, tasks []*Outgoing, results []EnqueueResult) bool {
	if !slices.ContainsFunc(tasks, func(t *Outgoing) bool { return t.luggage != nil }) {
		return true
	}
	free := make(chan struct{}, maxPuts) // never closed
	var puts sync.WaitGroup
	for i, t := range tasks {
		if t.luggage == nil {
			continue
		}
		free <- struct{}{}
		puts.Go(func() {
			defer func() { <-free }()
			results[i].Err = c.checkIn(ctx, t)
		})
	}
	puts.Wait()
	return !slices.ContainsFunc(results, func(r EnqueueResult) bool { return r.Err != nil })
}
