package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// packed is what a payload needs before a handler can have it.
type packed struct {
	ref         string // where it is; empty when the message has it
	contentType string // once it is decompressed; empty when it is not compressed
}

// packedOf is nil for an event whose payload is as the handler is to see it.
func packedOf(event *envelope.Event) *packed {
	ref := event.DataRef
	if len(event.Data) > 0 {
		ref = "" // it has both, and they are the same
	}
	if ref == "" && event.DecodedContentType == "" {
		return nil
	}
	return &packed{ref, event.DecodedContentType}
}

// errCannotUnpack: this program has not what the payload needs, and another may.
type errCannotUnpack struct{ why string }

func (e *errCannotUnpack) Error() string { return e.why }

// storeBackoff is the longest time after which a store that failed is asked again for
// the payload of a task.
var storeBackoff = RetryPolicy{Backoff: Exponential(10*time.Second, 5*time.Minute)}

// unpack brings a payload as it was sent into the form that handlers see. p may be
// nil. The error is an *errCannotUnpack, or has the code of the store; Unknown is
// kept for stores, what does not decompress is InvalidArgument.
func (p *Payloads) unpack(ctx context.Context, k *packed, payload []byte, contentType string) ([]byte, string, error) {
	if k.ref != "" && (p == nil || p.Store == nil) {
		return nil, "", &errCannotUnpack{"its payload is in a store, and this program has none; set MuxOptions.Payloads"}
	}
	if err := p.knows(k, contentType); err != nil { // before anything is read in vain
		return nil, "", err
	}
	if k.ref != "" {
		var err error
		if payload, err = p.fetch(ctx, k.ref); err != nil {
			return nil, "", err
		}
	}
	if k.contentType == "" {
		return payload, contentType, nil
	}
	whole, err := p.Compression.Decompress(payload, p.MaxSize)
	switch {
	case driver.Is(err, driver.TooLarge):
		return nil, "", driver.Errorf(driver.TooLarge, "", "its payload has more than %d bytes when it is decompressed; raise Payloads.MaxSize if that is right", p.MaxSize)
	case err != nil:
		return nil, "", driver.Errorf(driver.InvalidArgument, "", "its payload does not decompress: %w", err)
	}
	return whole, k.contentType, nil
}

// knows says whether the payload can be decompressed here, if it has to be.
func (p *Payloads) knows(k *packed, contentType string) error {
	if k.contentType == "" || p != nil && p.Compression != nil && mediaType(p.Compression.ContentType()) == mediaType(contentType) {
		return nil
	}
	return &errCannotUnpack{fmt.Sprintf("its payload is compressed as %q, which this program cannot undo; set Payloads.Compression", driver.CutText(contentType, 100))}
}

// fetch reads a payload from the store.
func (p *Payloads) fetch(ctx context.Context, ref string) (data []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if len(ref) > maxRef {
		return nil, driver.Errorf(driver.InvalidArgument, "", "the reference to its payload has %d bytes, more than %d", len(ref), maxRef)
	}
	if data, err = p.Store.Get(ctx, ref, p.MaxSize); err == nil && len(data) > p.MaxSize {
		return nil, driver.Errorf(driver.TooLarge, "", "its payload has %d bytes, more than %d; raise Payloads.MaxSize if that is right", len(data), p.MaxSize)
	}
	return data, err
}

// unpack makes the payload of a task whole before its handler runs. It decides on the
// task itself where that fails; done is false when the handler can run.
func (a *attempt) unpack(ctx context.Context) (decision Decision, done bool) {
	i := a.info
	data, contentType, err := a.mux.payloads.unpack(ctx, i.packed, i.payload, i.contentType)
	if err == nil {
		i.payload, i.contentType = data, contentType
		return Decision{}, false
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrLeaseLost):
		return a.lost(err), true
	case errors.Is(cause, ErrDraining):
		return a.interrupted(err), true
	}
	if _, ok := errors.AsType[*errCannotUnpack](err); ok {
		if i.Attempt >= i.MaxAttempts {
			return a.bury(driver.ReasonUndecodable, err), true
		}
		return a.again(max(unknownKindDelay, a.policy.delay(i.ID, i.Attempt)), err), true
	}
	switch driver.CodeOf(err) {
	case driver.NotFound:
		return a.bury(driver.ReasonMissingObject, err), true
	case driver.InvalidArgument, driver.TooLarge:
		return a.bury(driver.ReasonUndecodable, &undecodableError{err}), true
	}
	return a.awaitStore(err), true
}

// awaitStore puts off a task whose payload cannot be had now. That is no attempt of
// its: a store that is down would otherwise bury all of them within minutes. It counts
// among the snoozes that a task can have.
func (a *attempt) awaitStore(err error) Decision {
	n := a.carry.Snoozes
	if a.held != nil {
		n += a.held.snoozes
	}
	if n >= maxSnoozes {
		return a.bury(driver.ReasonMissingObject, fmt.Errorf("it was put off %d times, the most there is, and its payload cannot be read: %w", n, err))
	}
	delay := max(time.Second, retryAfter(err), storeBackoff.delay(a.info.ID, n+1))
	a.mux.logger.Warn("the payload of a task cannot be read; the task is put off",
		"queue", a.Queue.Name, "kind", a.info.Kind, "task", a.info.ID, "again_in", delay, "error", err)
	return a.snooze(delay)
}

// Read is the payload of a task that a message carries, as a handler would see it, and
// its content type: from the store and decompressed, as need be. p may be nil, which
// will do for a message that has it all.
//
// InvalidArgument for a message that is no CloudEvent, a reference that is not of the
// store and what does not decompress; TooLarge for more than MaxSize bytes;
// Unsupported when p lacks what it takes; else what the store answered.
func (p *Payloads) Read(ctx context.Context, message *driver.Message) (data []byte, contentType string, err error) {
	const op = "runtime: read a payload"
	p, err = p.checked()
	if err != nil {
		return nil, "", driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	event, found, err := readEvent(message)
	defer putEvent(event)
	switch {
	case err != nil:
		return nil, "", driver.Errorf(driver.InvalidArgument, op, "%w", err)
	case !found:
		return nil, "", driver.Errorf(driver.InvalidArgument, op, "the message is no CloudEvent")
	}
	k := packedOf(event)
	if k == nil {
		return event.Data, event.DataContentType, nil
	}
	data, contentType, err = p.unpack(ctx, k, event.Data, event.DataContentType)
	if cannot, ok := errors.AsType[*errCannotUnpack](err); ok {
		return nil, "", driver.Errorf(driver.Unsupported, op, "%w", cannot)
	}
	return data, contentType, err
}
