package lambdaentry

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// batch is one invocation. Its goroutines are runners, which call handlers, a keeper,
// which extends leases and acknowledges early, and settlers.
type batch struct {
	*Handler
	items   []*item // in the order of the event, each message once
	ordered bool    // settles keep the order in which they were decided
	began   time.Time
	times   times

	// within gives settles and extends a context of their own, which the end of the
	// handlers' does not end; cut ends it, and closes cutOff.
	within func(d time.Duration) (context.Context, context.CancelFunc)
	cut    context.CancelFunc
	cutOff <-chan struct{}

	runners sync.WaitGroup // which may outlive run, see abandon

	mu       sync.Mutex
	lines    []*line       // that nobody runs yet; guarded by mu
	toSettle []*item       // guarded by mu
	settlers int           // guarded by mu
	asleep   int           // of the settlers; guarded by mu
	giving   bool          // run has given handlers up, and acks do not wait for the answer; guarded by mu
	deserted bool          // run has returned without its runners; guarded by mu
	quiet    chan struct{} // closed when settlers falls to 0; nil when nobody waits for it; guarded by mu
}

// item is one message.
type item struct {
	source *source
	lease  driver.Lease
	id     string
	behind int
	// suspect: it may be what ends the process.
	suspect bool

	// The rest is guarded by the batch's mu.
	state     state
	decision  runtime.Decision
	err       error // of the settle
	cancel    context.CancelCauseFunc
	lost      bool      // its lease
	expires   time.Time // when the lease is taken for lost
	extendAt  time.Time // when it is to be extended
	joined    bool      // another run has taken over its lease
	extending bool      // an Extend is under way
	deferred  bool      // a settle waits for its end
	ended     time.Time // when it was decided
	copied    bool      // the copy of its decision is sent
	tries     int       // settles so far
	told      bool      // to the hooks
}

type state uint8

const (
	waiting  state = iota // for its run
	running               // its handler runs
	acked                 // done, and the answer will say so
	settling              // decided, and a settler has it or will
	gone                  // settled: it will not come again
	returned              // settled or given up: it comes again
)

// times are the ends of an invocation, each zero for never.
type times struct {
	start    time.Time // no task is started after it
	handlers time.Time // contexts end
	leave    time.Time // handlers that still run are left
	settle   time.Time // settles are given up
	end      time.Time // the invocation times out
}

func (h *Handler) timesOf(ctx context.Context, now time.Time) times {
	end, ok := ctx.Deadline()
	if !ok {
		return times{}
	}
	m := h.options.margin(end.Sub(now))
	return times{start: end.Add(-m), handlers: end.Add(-m / 2), leave: end.Add(-m / 4), settle: end.Add(-m / 8), end: end}
}

// at is a channel that tells when a time has come, which is never for the zero time.
func at(when time.Time) (<-chan time.Time, func() bool) {
	if when.IsZero() {
		return nil, func() bool { return true }
	}
	timer := time.NewTimer(time.Until(when))
	return timer.C, timer.Stop
}

// newBatch sorts the records of an event into lines.
func (h *Handler) newBatch(ctx context.Context, records []events.SQSMessage) (*batch, error) {
	now := time.Now()
	b := &batch{
		Handler: h, items: make([]*item, 0, len(records)),
		began: now, times: h.timesOf(ctx, now),
	}
	byID, groups := make(map[string]*item, len(records)), make(map[string]*line)
	all := make([]item, len(records))
	for i := range records {
		r := &records[i]
		s, err := h.source(i, r)
		if err != nil {
			return nil, err
		}
		lease := s.adopt(r, now)
		if old := byID[r.MessageId]; old != nil && old.source == s { // the later receipt is the valid one
			old.lease = lease
			continue
		} else if old != nil {
			return nil, invalid("lambdaentry: invoke", "message %s is in the event twice, of two queues, so that nothing can be said of either", r.MessageId)
		}
		it := &all[i]
		*it = item{source: s, lease: lease, id: r.MessageId, behind: s.waited(r.MessageId), expires: lease.Expires()}
		it.extendAt = extendAt(now, it.expires)
		b.items, byID[it.id] = append(b.items, it), it
		b.ordered = b.ordered || s.capabilities.Ordered
		if s.finished(it.id) { // it is in nobody's way
			it.decision = runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Lease: lease, Verdict: driver.Ack}}
			it.state = acked
			continue
		}
		it.suspect = h.mux.Suspect(it.delivery())
		key := lease.Message().GroupKey
		if key == "" || !s.capabilities.Ordered {
			b.lines = append(b.lines, &line{items: []*item{it}, suspect: it.suspect})
			continue
		}
		key = s.info.Name + "\x00" + key
		if groups[key] == nil {
			groups[key] = new(line)
			b.lines = append(b.lines, groups[key])
		}
		l := groups[key]
		l.items, l.suspect = append(l.items, it), l.suspect || it.suspect
	}
	b.warnOfVisibility(now)
	return b, nil
}

func (it *item) delivery() runtime.Delivery {
	return runtime.Delivery{Lease: it.lease, Queue: it.source.info, Behind: it.behind, Limit: int(it.source.limit.Load())}
}

// run does the batch and makes the answer. ctx is the invocation's.
func (b *batch) run(ctx context.Context) (events.SQSEventResponse, error) {
	handlers, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	b.within = func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(calls, d) }
	b.cut, b.cutOff = cut, calls.Done()
	over := make(chan struct{}) // closed when all is decided, or is not going to be
	var helpers sync.WaitGroup
	helpers.Go(func() { b.tell(ctx, cancel, over) })
	helpers.Go(func() { b.keep(over) })
	ended := b.runLines(handlers)
	close(over)
	helpers.Wait()
	if !ended {
		cancel(b.cause()) // where tell had no time to
		return b.abandon(ctx)
	}
	cancel(nil)
	return b.answer(ctx)
}

// tell ends the handlers' contexts when the invocation is about to end.
func (b *batch) tell(ctx context.Context, cancel context.CancelCauseFunc, over <-chan struct{}) {
	end, stop := at(b.times.handlers)
	defer stop()
	for stopping := b.stopping; ; stopping = nil {
		select {
		case <-end:
			cancel(runtime.ErrTimeout)
		case <-ctx.Done():
			cancel(runtime.ErrTimeout)
		case <-stopping:
			b.sendBack(b.items, 0) // all that was not started
			continue
		case <-b.draining:
			cancel(runtime.ErrDraining)
		case <-over:
		}
		return
	}
}

// cause is why handlers' contexts end now.
func (b *batch) cause() error {
	select {
	case <-b.draining:
		return runtime.ErrDraining
	default:
		return runtime.ErrTimeout
	}
}

// runLines runs all lines, suspects last and one at a time. It answers false when the
// invocation ends before its handlers do.
func (b *batch) runLines(handlers context.Context) bool {
	var suspects, others []*line
	for _, l := range b.lines {
		if l.suspect {
			suspects = append(suspects, l)
		} else {
			others = append(others, l)
		}
	}
	if !b.runBeside(handlers, others, b.options.Concurrency) {
		b.giveUp(suspects)
		return false
	}
	for i, l := range suspects {
		if len(b.items) > 1 { // should it end the process, all else is safe
			b.ackAll()
			b.awaitSettled(b.times.start)
		}
		if !b.runBeside(handlers, []*line{l}, 1) {
			b.giveUp(suspects[i+1:])
			return false
		}
	}
	return true
}
