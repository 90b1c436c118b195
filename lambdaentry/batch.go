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
	byID    map[string]*item
	ordered bool // settles keep the order in which they were decided
	began   time.Time
	times   times

	// within gives settles and extends a context of their own, which the end of the
	// handlers' does not end; cut ends it, and closes cutOff.
	within func(d time.Duration) (context.Context, context.CancelFunc)
	cut    context.CancelFunc
	cutOff <-chan struct{}

	runners sync.WaitGroup // which may outlive run, see abandoned

	mu       sync.Mutex
	lines    []*line       // that nobody runs yet; guarded by mu
	toSettle []*item       // guarded by mu
	settlers int           // guarded by mu
	deserted bool          // run has returned without its runners; guarded by mu
	quiet    chan struct{} // closed when settlers falls to 0; nil when nobody waits for it; guarded by mu
}

// line is messages that run one after the other: one, or those of a group.
type line struct {
	items   []*item
	suspect bool // one of them is
}

// item is one message.
type item struct {
	source *source
	lease  driver.Lease
	id     string
	behind int

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

// newBatch sorts the records of an event into lines.
func (h *Handler) newBatch(ctx context.Context, records []events.SQSMessage) (*batch, error) {
	now := time.Now()
	b := &batch{
		Handler: h, byID: make(map[string]*item, len(records)), items: make([]*item, 0, len(records)),
		began: now, times: h.timesOf(ctx, now),
	}
	groups := make(map[string]*line)
	all := make([]item, len(records))
	for i := range records {
		r := &records[i]
		s, err := h.source(i, r)
		if err != nil {
			return nil, err
		}
		lease := s.adopt(r, now)
		if old := b.byID[r.MessageId]; old != nil && old.source == s { // the later receipt is the valid one
			old.lease = lease
			continue
		} else if old != nil {
			return nil, invalid("lambdaentry: invoke", "message %s is in the event twice, of two queues, so that nothing can be said of either", r.MessageId)
		}
		it := &all[i]
		*it = item{source: s, lease: lease, id: r.MessageId, behind: s.waited(r.MessageId), expires: lease.Expires()}
		it.extendAt = extendAt(now, it.expires)
		b.items, b.byID[it.id] = append(b.items, it), it
		suspect := h.mux.Suspect(it.delivery())
		if s.finished(it.id) {
			it.decision = runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Lease: lease, Verdict: driver.Ack}}
			it.state = acked
		}
		b.ordered = b.ordered || s.capabilities.Ordered
		key := lease.Message().GroupKey
		if key == "" || !s.capabilities.Ordered {
			b.lines = append(b.lines, &line{items: []*item{it}, suspect: suspect})
			continue
		}
		key = s.info.Name + "\x00" + key
		if groups[key] == nil {
			groups[key] = new(line)
			b.lines = append(b.lines, groups[key])
		}
		l := groups[key]
		l.items, l.suspect = append(l.items, it), l.suspect || suspect
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
		return b.abandon(ctx)
	}
	cancel(nil)
	return b.answer()
}

// tell ends the handlers' contexts when the invocation is about to end.
func (b *batch) tell(ctx context.Context, cancel context.CancelCauseFunc, over <-chan struct{}) {
	end, stop := at(b.times.handlers)
	defer stop()
	stopping := b.stopping
again:
	select {
	case <-end:
		cancel(runtime.ErrTimeout)
	case <-ctx.Done():
		cancel(runtime.ErrTimeout)
	case <-stopping:
		b.giveBack()
		stopping = nil
		goto again
	case <-b.draining:
		cancel(runtime.ErrDraining)
	case <-over:
	}
}

// giveBack releases all that was not started.
func (b *batch) giveBack() { b.sendBack(b.items, 0) }

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

// runBeside runs lines beside each other, by at most n runners.
func (b *batch) runBeside(handlers context.Context, lines []*line, n int) bool {
	b.mu.Lock()
	b.lines = lines
	b.mu.Unlock()
	n = min(n, len(lines))
	left := make(chan struct{}, n) // a runner that ended; never closed
	for range n {
		b.stay()
		b.runners.Go(func() {
			defer b.leave()
			b.runner(handlers)
			left <- struct{}{}
		})
	}
	late, stop := at(b.times.leave)
	defer stop()
	for range n {
		select {
		case <-left:
		case <-late:
			b.giveUp(lines)
			return false
		case <-b.over:
			b.giveUp(lines)
			return false
		}
	}
	return true
}

// at is a channel that tells when a time has come, which is never for the zero time.
func at(when time.Time) (<-chan time.Time, func() bool) {
	if when.IsZero() {
		return nil, func() bool { return true }
	}
	timer := time.NewTimer(time.Until(when))
	return timer.C, timer.Stop
}

// runner runs lines until there are no more.
func (b *batch) runner(handlers context.Context) {
	for {
		b.mu.Lock()
		if len(b.lines) == 0 {
			b.mu.Unlock()
			return
		}
		l := b.lines[0]
		b.lines = b.lines[1:]
		b.mu.Unlock()
		b.runLine(handlers, l)
	}
}

// runLine runs the messages of a line in order. Behind one that comes again the others
// go back.
func (b *batch) runLine(handlers context.Context, l *line) {
	for i, it := range l.items {
		if delay, ok := b.mayStart(it); !ok {
			b.sendBack(l.items[i:], delay)
			return
		}
		if !b.runItem(handlers, it) {
			b.sendBack(l.items[i+1:], 0)
			return
		}
	}
}

// mayStart says whether a task can be started, and for how long to put it off if not.
func (b *batch) mayStart(it *item) (putOff time.Duration, ok bool) {
	select {
	case <-b.stopping:
		return 0, false
	default:
	}
	if !b.times.start.IsZero() && !time.Now().Before(b.times.start) {
		return 0, false
	}
	if d := it.source.pausedFor(); d > 0 {
		return min(d, it.source.capabilities.MaxReleaseDelay), false
	}
	return 0, true
}

// sendBack releases messages that were not started.
func (b *batch) sendBack(items []*item, delay time.Duration) {
	for _, it := range items {
		b.mu.Lock()
		if it.state == waiting {
			it.decision = runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Lease: it.lease, Verdict: driver.Release, Delay: delay}}
			it.source.note(it.id)
			b.decided(it)
		}
		b.mu.Unlock()
	}
}

// runItem runs one message and says whether the next of its group may run.
func (b *batch) runItem(handlers context.Context, it *item) bool {
	ctx, cancel := context.WithCancelCause(handlers)
	defer cancel(nil)
	b.mu.Lock()
	if it.state != waiting {
		b.mu.Unlock()
		return false
	}
	if it.lost {
		it.decision = runtime.Decision{Action: runtime.Nothing, Err: runtime.ErrLeaseLost}
		b.decided(it)
		b.mu.Unlock()
		return false
	}
	it.state, it.cancel = running, cancel
	b.mu.Unlock()

	d := b.dispatch(ctx, it)

	b.mu.Lock()
	it.cancel, it.decision = nil, d
	if d.Action != runtime.Nothing {
		it.decision.Settlement.Lease = it.lease
	}
	if d.Pause > 0 {
		it.source.pause(d.Pause)
	}
	if d.Task != nil && d.Err == nil && d.Settlement.Verdict == driver.Release { // snoozed
		it.source.note(it.id)
	}
	b.decided(it)
	state := it.state
	b.mu.Unlock()
	if state != settling || d.Settlement.Verdict != driver.Bury {
		return state == acked
	}
	b.awaitSettled(b.times.settle) // of a group: the next may run only when this one is dead
	b.mu.Lock()
	defer b.mu.Unlock()
	return it.state == gone
}

// giveUp releases what of lines was not started.
func (b *batch) giveUp(lines []*line) {
	b.mu.Lock()
	b.lines = nil
	b.mu.Unlock()
	for _, l := range lines {
		b.sendBack(l.items, 0)
	}
}
