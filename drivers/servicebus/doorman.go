package servicebus

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const (
	// acceptWait is for how long one request for a session waits, which is a minute at
	// most. Source: Azure Service Bus, "Message sessions".
	acceptWait = 50 * time.Second
	// maxAccepting is how many requests for sessions are made at a time. There is one
	// while no session is to be had, and twice as many after each that was.
	maxAccepting = 16
	// maxReconnects is how often a request is made again whose connection was gone: each
	// who uses the connection may have to find that out.
	maxReconnects = 3
)

// doorman accepts sessions for those who wait at the desk of a queue with sessions:
// Service Bus gives the messages of a session to who has accepted it, and to nobody
// else meanwhile.
//
// A request that is cut off may leave a session accepted that nobody knows of, so it
// goes on when nobody waits any more; a session that comes then is closed after a
// while.
type doorman struct {
	source    *source
	freed     chan struct{} // takes one when a session is closed; never closed
	listening atomic.Int64  // sessions that wait for a message for those at the desk
	results   chan acceptance
}

// acceptance is what became of a request for a session.
type acceptance struct {
	receiver *azservicebus.SessionReceiver
	at       time.Time
	err      error
}

func newDoorman(s *source) *doorman {
	return &doorman{source: s, freed: make(chan struct{}, 1), results: make(chan acceptance, maxAccepting)}
}

// run accepts until the queue is closing. It is the goroutine of a source, and Close
// waits for it.
func (d *doorman) run() {
	s := d.source
	q := s.queue
	defer q.gate.Leave()
	defer s.desk.clear()
	limit, accepting := 1, 0
	pause := firstPause
	for {
		want, _, came := s.desk.wanted()
		for !q.gate.Closing() && accepting < limit && accepting+int(d.listening.Load()) < want {
			accepting++
			q.gate.Join()
			go d.accept()
		}
		if accepting == 0 && q.gate.Closing() {
			return
		}
		done := q.gate.Done()
		if q.gate.Closing() {
			done = nil
		}
		select {
		case <-came:
		case <-d.freed:
		case <-done:
		case r := <-d.results:
			accepting--
			limit, pause = d.answered(r, limit, pause)
		}
	}
}

// answered takes the answer to a request, and says how many are made at a time from now
// on.
func (d *doorman) answered(r acceptance, limit int, pause time.Duration) (newLimit int, newPause time.Duration) {
	s := d.source
	q := s.queue
	switch {
	case r.receiver != nil:
		q.gate.Join()
		go newSession(d, r).run()
		return min(2*limit, maxAccepting), firstPause
	case q.gate.Closing():
		return limit, pause
	case isNoSession(r.err):
		return 1, firstPause
	}
	s.desk.fail(classify(context.Background(), q.ops.receive, actionListen, q.name, r.err))
	q.rest(pause)
	return 1, min(2*pause, maxPause)
}

// accept makes one request. Close waits for it.
func (d *doorman) accept() {
	q := d.source.queue
	defer q.gate.Leave()
	until, cancelUntil := untilClosing(q)
	defer cancelUntil()
	ctx, cancel := context.WithTimeout(until, acceptWait)
	defer cancel()
	c, err := q.clients(ctx, q.ops.receive)
	if err != nil {
		d.results <- acceptance{err: err}
		return
	}
	r, err := c.Messages.AcceptNextSessionForQueue(ctx, q.name, nil)
	for try := 0; try < maxReconnects && err != nil && d.source.isUnanswered(err) && !isNoSession(err) && !q.gate.Closing(); try++ {
		// The library has found out that the connection is gone, and makes another.
		q.rest(retryDelay)
		r, err = c.Messages.AcceptNextSessionForQueue(ctx, q.name, nil)
	}
	if err != nil {
		r = nil
	}
	d.results <- acceptance{r, time.Now(), err}
}

// isNoSession says whether err is that no session was to be had in time.
func isNoSession(err error) bool {
	e, ok := errors.AsType[*azservicebus.Error](err)
	return ok && e.Code == azservicebus.CodeTimeout || errors.Is(err, context.DeadlineExceeded)
}
