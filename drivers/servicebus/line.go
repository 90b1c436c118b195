package servicebus

import (
	"context"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// line is the receiver of a source, which has a link to the broker. The client library
// makes the link anew where it breaks, but not at every call, and a call that is
// cancelled meanwhile costs everybody the connection. So the line makes sure of its
// link before there is a call that may be cancelled. It is safe for concurrent use.
type line struct {
	source *source
	turn   chan struct{} // holds a token while somebody makes sure of the link; never closed

	mu       sync.Mutex
	receiver *azservicebus.Receiver // nil until the first call; guarded by mu
	broken   chan struct{}          // of the link as it is; closed when it is known to be broken; nil where there is none; guarded by mu
}

func (l *line) init(s *source) {
	l.source = s
	l.turn = make(chan struct{}, 1)
}

// link is the receiver, and what is closed once its link is known to be broken; nil
// where nobody has made sure of the link.
func (l *line) link() (r *azservicebus.Receiver, broken <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		return l.receiver, nil
	}
	return l.receiver, l.broken
}

// lost notes that a link is broken.
func (l *line) lost(broken <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if broken != nil && broken == (<-chan struct{})(l.broken) {
		close(l.broken)
		l.broken = nil
	}
}

// beyond is a sequence number that no message has: the upper 16 bits are those of a
// partition. Source: Azure Service Bus, "Message sequencing and timestamps".
const beyond = 1<<48 - 1

// ready makes sure of the link, unless somebody has: it looks for a message that does
// not exist, which needs the link, and has the client library make a broken one anew.
// The context is the request's own.
func (l *line) ready(ctx context.Context, op string) error {
	if _, broken := l.link(); broken != nil {
		return nil
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	r, broken := l.link()
	if broken != nil {
		return nil
	}
	if r == nil {
		var err error
		if r, err = l.make(ctx, op); err != nil {
			return err
		}
	}
	from := int64(beyond)
	_, err := insist(ctx, l.source.queue, func() ([]*azservicebus.ReceivedMessage, error) {
		return r.PeekMessages(ctx, 1, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = make(chan struct{})
	return nil
}

// insist makes a request that has no effect at the broker, and makes it again where it
// had no answer: each who uses a connection that is gone may have to find that out, and
// what one of them leaves undone may cost the others the next connection too. The
// context is the request's own.
func insist[T any](ctx context.Context, q *Queue, f func() (T, error)) (T, error) {
	value, err := f()
	for try := 0; try < maxReconnects && err != nil && q.isUnanswered(err) && ctx.Err() == nil && q.rest(retryDelay); try++ {
		value, err = f()
	}
	return value, err
}

// make makes the receiver. The caller has the turn.
func (l *line) make(ctx context.Context, op string) (*azservicebus.Receiver, error) {
	q := l.source.queue
	c, err := q.clients(ctx, op)
	if err != nil {
		return nil, err
	}
	o := new(azservicebus.ReceiverOptions)
	if l.source.isDead() {
		o.SubQueue = azservicebus.SubQueueDeadLetter
	}
	r, err := c.Messages.NewReceiverForQueue(q.name, o)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receiver = r
	return r, nil
}

// there makes sure of the link for a caller.
func (l *line) there(ctx context.Context, op string) error {
	if _, broken := l.link(); broken != nil {
		return nil
	}
	q := l.source.queue
	_, err := apart(ctx, q, op, patience, func(own context.Context) (struct{}, error) {
		return struct{}{}, l.ready(own, op)
	})
	if err != nil {
		return classify(ctx, op, actionListen, q.name, err)
	}
	return nil
}

// drop ends the link, and with it the credit that it has left, at which a message that
// is given back would come again, to be locked in the hands of nobody until the lock
// ends. The next to need a link has a new one.
func (l *line) drop(ctx context.Context) {
	own, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
	case <-own.Done():
		return
	}
	defer func() { <-l.turn }()
	l.mu.Lock()
	r := l.receiver
	l.receiver = nil
	if l.broken != nil {
		close(l.broken)
		l.broken = nil
	}
	l.mu.Unlock()
	if r != nil {
		_ = r.Close(own) // there is nobody to tell, and nothing to do about it
	}
}

func (l *line) close(ctx context.Context) {
	l.mu.Lock()
	r := l.receiver
	l.mu.Unlock()
	if r != nil {
		_ = r.Close(ctx) // there is nobody to tell, and nothing to do about it
	}
}
