package servicebus

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// sessionIdle is for how long a session is kept that has no message, or for whose
	// next message nobody waits. Other workers do not get it meanwhile.
	sessionIdle = 500 * time.Millisecond
	// A session is closed after sessionMessages or sessionTime, so that others, and
	// other workers, have their turn.
	sessionMessages = 100
	sessionTime     = 30 * time.Second
	// freshLock is how old the lock of a session may be for its next message; an older
	// one is renewed first.
	freshLock = 500 * time.Millisecond
	// lapsed is how long after the end of its lease the session of a message is closed.
	lapsed = 2 * time.Second
)

// session is one that was accepted. It has one message leased at a time: the lock of
// the session is that of the message.
type session struct {
	doorman  *doorman
	receiver *azservicebus.SessionReceiver
	locked   time.Time     // when its lock began, at the earliest; owned by run until a message is leased, then by the operation under way on that
	lockedBy time.Time     // when it had begun; owned as locked is
	dropped  chan struct{} // closed when its message is not wanted
	drops    sync.Once

	mu     sync.Mutex
	closed bool           // no request begins any more; guarded by mu
	uses   sync.WaitGroup // the requests under way; added to with mu held while not closed
}

func newSession(d *doorman, r acceptance) *session {
	return &session{doorman: d, receiver: r.receiver, locked: r.at, lockedBy: r.at, dropped: make(chan struct{})}
}

// drop has the session closed: its message was leased, and nobody wants it. A message
// that is unsettled when its session is closed is free again at once, and that is no
// delivery. Source: Azure Service Bus, "Message sessions", "Impact of delivery count".
func (h *session) drop() { h.drops.Do(func() { close(h.dropped) }) }

// run has the messages of the session received, one after the other. Close waits for it.
func (h *session) run() {
	s := h.doorman.source
	q := s.queue
	defer q.gate.Leave()
	defer h.close()
	end := time.Now().Add(sessionTime)
	for n := 0; n < sessionMessages && time.Now().Before(end); n++ {
		m := h.next()
		if m == nil {
			return
		}
		l := h.lease(m)
		if l == nil {
			return
		}
		s.desk.hand([]*lease{l}, false)
		if !h.settled(l) {
			return
		}
	}
}

// next is the next message, or nil where there is none, or nobody who waits for one.
func (h *session) next() *azservicebus.ReceivedMessage {
	s := h.doorman.source
	q := s.queue
	timer := time.NewTimer(sessionIdle)
	defer timer.Stop()
	for {
		want, _, came := s.desk.wanted()
		if want > 0 {
			break
		}
		select {
		case <-came:
		case <-timer.C:
			return nil
		case <-q.gate.Done():
			return nil
		}
	}
	h.doorman.listening.Add(1)
	defer h.doorman.listening.Add(-1)
	until, cancelUntil := untilClosing(q)
	defer cancelUntil()
	ctx, cancel := context.WithTimeout(until, sessionIdle)
	defer cancel()
	got, err := h.receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(got) == 0 {
		return nil // it is empty, or its link broke
	}
	return got[0]
}

// lease makes a lease of a message that just came, on a lock that has just begun; nil
// where it has none.
func (h *session) lease(m *azservicebus.ReceivedMessage) *lease {
	s := h.doorman.source
	q := s.queue
	if time.Since(h.locked) >= freshLock {
		ctx, cancel := context.WithTimeout(context.Background(), leasePatience)
		defer cancel()
		start := time.Now()
		if err := h.receiver.RenewSessionLock(ctx, nil); err != nil {
			return nil
		}
		h.locked, h.lockedBy = start, time.Now()
	}
	l := &lease{via: h.receiver, session: h, done: make(chan struct{})}
	s.fill(l, m, time.Now())
	until := h.receiver.LockedUntil()
	hold := q.lockOf(&until, m.EnqueuedTime)
	l.last(h.locked.Add(hold-margin(hold)), h.lockedBy.Add(hold))
	return l
}

// settled waits until a lease was settled; it is false when that will not be.
func (h *session) settled(l *lease) bool {
	q := h.doorman.source.queue
	hold := q.lock()
	timer := time.NewTicker(max(time.Second, hold/4))
	defer timer.Stop()
	for {
		select {
		case <-l.done:
			select {
			case <-h.dropped:
				return false
			default:
			}
			return true
		case <-h.dropped:
			return false
		case <-q.gate.Done():
			return false
		case now := <-timer.C:
			if l.state.Past(now.Add(-margin(hold) - lapsed)) {
				return false
			}
		}
	}
}

// use makes a request on a lease of the session.
func (h *session) use(op string, f func() error) error {
	h.mu.Lock()
	closed := h.closed
	if !closed {
		h.uses.Add(1)
	}
	h.mu.Unlock()
	if closed {
		return driver.Errorf(driver.LeaseLost, op, "the lease has expired, and its session was closed")
	}
	defer h.uses.Done()
	return f()
}

// renew renews the session's lock, and says when it ends at the earliest.
func (h *session) renew(ctx context.Context) (time.Time, error) {
	q := h.doorman.source.queue
	start := time.Now()
	err := h.use(q.ops.extend, func() error { return h.receiver.RenewSessionLock(ctx, nil) })
	if err == nil {
		h.locked, h.lockedBy = start, time.Now()
	}
	return start.Add(q.lock()), err
}

// close closes the session once the requests under way have ended, and the doorman may
// accept another.
func (h *session) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.uses.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), leasePatience)
	defer cancel()
	_ = h.receiver.Close(ctx) // there is nobody to tell, and its lock runs out by itself
	select {
	case h.doorman.freed <- struct{}{}:
	default:
	}
}
