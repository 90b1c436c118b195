package sbfake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
)

// trial is one run of a probe. After its first error its methods do nothing, so that a
// probe reads as a list of statements.
type trial struct {
	ctx       context.Context //nolint:containedctx // a trial lives as long as one call of Probe.Run
	clients   Clients
	prefix    string
	queues    []string
	receivers []interface{ Close(context.Context) error }
	err       error
}

const (
	// probeLock is the lock duration of queues, the shortest of Service Bus.
	probeLock = "PT5S"
	lockTime  = 5 * time.Second
	// probeWithin is how long a call may take that does not wait.
	probeWithin = 15 * time.Second
	// soon is how long nothing is waited for.
	soon = time.Second
)

func (t *trial) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, d)
}

func (t *trial) clean() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), probeWithin)
	defer cancel()
	for _, r := range t.receivers {
		_ = r.Close(ctx) // its queue goes with it
	}
	for _, q := range t.queues {
		if _, err := t.clients.Admin.DeleteQueue(ctx, q, nil); err != nil && t.err == nil {
			t.err = fmt.Errorf("clean up: %w", err)
		}
	}
}

func (t *trial) must(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *trial) want(ok bool, format string, args ...any) {
	if t.err == nil && !ok {
		t.err = fmt.Errorf(format, args...)
	}
}

// refused wants an error with the code.
func (t *trial) refused(err error, code azservicebus.Code) {
	if t.err != nil {
		return
	}
	e, ok := errors.AsType[*azservicebus.Error](err)
	t.want(ok && e.Code == code, "got %v, want %s", err, code)
}

func (t *trial) wait(d time.Duration) {
	if t.err != nil {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
		t.err = t.ctx.Err()
	}
}

// queue makes a queue.
func (t *trial) queue(change ...func(*admin.QueueProperties)) string {
	if t.err != nil {
		return ""
	}
	lock := probeLock
	p := &admin.QueueProperties{LockDuration: &lock}
	for _, f := range change {
		f(p)
	}
	name := fmt.Sprintf("%s-%d", t.prefix, len(t.queues))
	_, err := t.clients.Admin.CreateQueue(t.ctx, name, &admin.CreateQueueOptions{Properties: p})
	t.must(err)
	if err == nil {
		t.queues = append(t.queues, name)
	}
	return name
}

func deliveries(n int32) func(*admin.QueueProperties) {
	return func(p *admin.QueueProperties) { p.MaxDeliveryCount = &n }
}

func withSessions(p *admin.QueueProperties) { p.RequiresSession = new(bool); *p.RequiresSession = true }

func (t *trial) receiver(queue string, dead bool) *azservicebus.Receiver {
	if t.err != nil {
		return nil
	}
	o := new(azservicebus.ReceiverOptions)
	if dead {
		o.SubQueue = azservicebus.SubQueueDeadLetter
	}
	r, err := t.clients.Messages.NewReceiverForQueue(queue, o)
	t.must(err)
	if err == nil {
		t.receivers = append(t.receivers, r)
	}
	return r
}

// sessionName is the session of all messages that have one.
const sessionName = "s"

// accept accepts that session.
func (t *trial) accept(queue string) *azservicebus.SessionReceiver {
	if t.err != nil {
		return nil
	}
	ctx, cancel := t.within(probeWithin)
	defer cancel()
	r, err := t.clients.Messages.AcceptSessionForQueue(ctx, queue, sessionName, nil)
	t.must(err)
	if err == nil {
		t.receivers = append(t.receivers, r)
	}
	return r
}

// send sends messages one after the other.
func (t *trial) send(queue string, messages ...*azservicebus.Message) {
	if t.err != nil {
		return
	}
	t.must(t.trySend(queue, messages...))
}

func (t *trial) trySend(queue string, messages ...*azservicebus.Message) error {
	ctx, cancel := t.within(probeWithin)
	defer cancel()
	s, err := t.clients.Messages.NewSender(queue, nil)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	for _, m := range messages {
		if err := s.SendMessage(ctx, m, nil); err != nil {
			return err
		}
	}
	return nil
}

func text(body string) *azservicebus.Message { return &azservicebus.Message{Body: []byte(body)} }

func inSession(body string) *azservicebus.Message {
	id := sessionName
	return &azservicebus.Message{Body: []byte(body), SessionID: &id}
}

// from receives messages, and settles them.
type from interface {
	ReceiveMessages(context.Context, int, *azservicebus.ReceiveMessagesOptions) ([]*azservicebus.ReceivedMessage, error)
	CompleteMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.CompleteMessageOptions) error
	AbandonMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.AbandonMessageOptions) error
	DeadLetterMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.DeadLetterOptions) error
	DeferMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.DeferMessageOptions) error
}

// one receives one message, which must have the body.
func (t *trial) one(r from, body string) *azservicebus.ReceivedMessage {
	return t.oneWithin(r, body, probeWithin)
}

func (t *trial) oneWithin(r from, body string, d time.Duration) *azservicebus.ReceivedMessage {
	if t.err != nil {
		return new(azservicebus.ReceivedMessage)
	}
	ctx, cancel := t.within(d)
	defer cancel()
	for {
		got, err := r.ReceiveMessages(ctx, 1, nil)
		if err != nil {
			t.must(fmt.Errorf("waiting for %q: %w", body, err))
			return new(azservicebus.ReceivedMessage)
		}
		if len(got) == 1 {
			t.want(string(got[0].Body) == body, "received %q, want %q", got[0].Body, body)
			return got[0]
		}
	}
}

// nothing receives nothing for d.
func (t *trial) nothing(r from, d time.Duration) {
	if t.err != nil {
		return
	}
	ctx, cancel := t.within(d)
	defer cancel()
	got, err := r.ReceiveMessages(ctx, 1, nil)
	if len(got) > 0 {
		t.err = fmt.Errorf("received %q, want nothing", got[0].Body)
	} else if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.err = err
	}
}

// count wants how often a message was delivered.
func (t *trial) count(m *azservicebus.ReceivedMessage, want uint32) {
	t.want(m.DeliveryCount == want, "the delivery counts as %d, want %d", m.DeliveryCount, want)
}

// do does something with what was received.
func (t *trial) do(f func(ctx context.Context) error) {
	if t.err != nil {
		return
	}
	t.must(t.try(f))
}

func (t *trial) try(f func(ctx context.Context) error) error {
	if t.err != nil {
		return nil
	}
	ctx, cancel := t.within(probeWithin)
	defer cancel()
	return f(ctx)
}

func (t *trial) complete(r from, m *azservicebus.ReceivedMessage) {
	t.do(func(ctx context.Context) error { return r.CompleteMessage(ctx, m, nil) })
}

func (t *trial) abandon(r from, m *azservicebus.ReceivedMessage) {
	t.do(func(ctx context.Context) error { return r.AbandonMessage(ctx, m, nil) })
}

// completeByToken asks the service, where the client would answer by itself.
func (t *trial) completeByToken(r from, m *azservicebus.ReceivedMessage) error {
	return t.try(func(ctx context.Context) error {
		return r.CompleteMessage(ctx, &azservicebus.ReceivedMessage{LockToken: m.LockToken}, nil)
	})
}

// peeked are the bodies that a receiver shows.
func (t *trial) peeked(r *azservicebus.Receiver) []string {
	var bodies []string
	t.do(func(ctx context.Context) error {
		first := int64(0)
		got, err := r.PeekMessages(ctx, 10, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &first})
		for _, m := range got {
			bodies = append(bodies, string(m.Body))
		}
		return err
	})
	slices.Sort(bodies)
	return bodies
}
