package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const (
	// gather is for how long a batch is added to once it has a message.
	gather = 5 * time.Millisecond
	// firstPause and maxPause are what lies between receives that end early without a
	// message, which says that the link broke, and not that the queue is empty.
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// pump has the source's line receive for all who wait at its desk: a line cannot
// receive for two at a time, and one for each would not be better, as a link carries
// as much as a connection does.
//
// What a receive asks for and does not get stays with the link as credit, and the
// client library gives back whatever comes on it between two receives, which is no
// delivery for the broker. So that this is rare while a worker works, the pump receives
// on for a moment, also for nobody, and what comes is kept for the next who asks.
type pump struct {
	source *source
	credit int             // at most what the link has
	broken <-chan struct{} // of that link
}

// run pumps until the queue is closing. It is the goroutine of a source, and Close
// waits for it.
func (p *pump) run() {
	s := p.source
	q := s.queue
	defer q.gate.Leave()
	defer s.desk.clear()
	pause := firstPause
	for p.await() {
		fine, err := p.once()
		switch {
		case err != nil:
			s.desk.fail(classify(context.Background(), q.ops.receive, actionListen, q.name, err))
		case fine:
			pause = firstPause
			continue
		}
		if !q.rest(pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// await waits until there is something to receive for; false when the queue is closing.
func (p *pump) await() bool {
	done := p.source.queue.gate.Done()
	for {
		if p.source.queue.gate.Closing() {
			return false
		}
		want, standing, came := p.source.desk.wanted()
		if want > 0 || standing {
			return true
		}
		select {
		case <-came:
		case <-done:
			return false
		}
	}
}

// rest waits for a time; it is false when the queue is closing.
func (q *Queue) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-q.gate.Done():
		return false
	}
}

// once makes sure of the link and makes one receive. It is not fine when the link
// broke.
func (p *pump) once() (fine bool, err error) {
	s := p.source
	q := s.queue
	own, cancelOwn := context.WithTimeout(context.Background(), patience)
	err = s.line.ready(own, q.ops.receive)
	cancelOwn()
	if err != nil {
		return false, err
	}
	r, broken := s.line.link()
	if broken == nil {
		return false, nil
	}
	if broken != p.broken { // a new link has none
		p.credit, p.broken = 0, broken
	}
	want, _, _ := s.desk.wanted()
	n := want
	if n == 0 {
		n = p.credit
	}
	n = max(1, min(n, maxCredit))
	ctx, cancel := untilClosing(q)
	defer cancel()
	if !s.desk.waiting(cancel) {
		s.desk.waiting(nil)
		return true, nil
	}
	got, err := r.ReceiveMessages(ctx, n, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: gather})
	received := time.Now()
	s.desk.waiting(nil)
	p.credit = max(p.credit, n) - len(got)
	switch {
	case len(got) > 0:
		s.desk.hand(s.leases(got, r, broken, received), p.credit > 0)
		return true, nil
	case ctx.Err() != nil:
		p.credit = max(p.credit, 0)
		return true, nil
	}
	s.line.lost(broken)
	return false, err
}

// maxCredit is the most that the pump asks for at a time.
const maxCredit = 1000

// untilClosing is a context that ends when the queue begins to close. The caller
// cancels it.
func untilClosing(q *Queue) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-q.gate.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// start has the source's messages come: it runs its pump, or its doorman.
func (s *source) start() {
	s.running.Do(func() {
		s.queue.gate.Join()
		if s.inSessions() {
			go newDoorman(s).run()
			return
		}
		go (&pump{source: s}).run()
	})
}
