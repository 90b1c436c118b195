package lambdaentry

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// line is messages that run one after the other: one, or those of a group.
type line struct {
	items   []*item
	suspect bool // one of them is
}

// runBeside runs lines beside each other, by at most n runners.
func (b *batch) runBeside(handlers context.Context, lines []*line, n int) bool {
	b.mu.Lock()
	b.lines = lines
	b.mu.Unlock()
	n = min(n, len(lines))
	left := make(chan struct{}, n) // a runner that ended; never closed
	var start func()
	start = func() {
		b.stay()
		b.runners.Go(func() {
			ended := false
			defer b.leave()
			defer func() {
				if ended {
					left <- struct{}{}
				} else { // a handler has ended this goroutine: another takes its place
					start()
				}
			}()
			b.runner(handlers)
			ended = true
		})
	}
	for range n {
		start()
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
	var delay time.Duration
	defer func() { b.sendBack(l.items, delay) }() // what was not started
	for i, it := range l.items {
		if it.suspect && i > 0 { // should it end the process, those before it are safe
			b.ackAll()
			b.awaitSettled(b.times.start)
		}
		putOff, ok := b.mayStart(handlers, it)
		if !ok {
			delay = putOff
			return
		}
		if !b.runItem(handlers, it, i+1 < len(l.items)) {
			return
		}
	}
}

// mayStart says whether a task can be started, and for how long to put it off if not.
func (b *batch) mayStart(handlers context.Context, it *item) (putOff time.Duration, ok bool) {
	select {
	case <-b.stopping:
		return 0, false
	case <-handlers.Done():
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

// runItem runs one message and says whether the next of its line may run, if there are
// more.
func (b *batch) runItem(handlers context.Context, it *item, more bool) bool {
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

	returned := false
	defer func() {
		if !returned { // the handler has ended this goroutine
			b.conclude(it, exited(), false)
		}
	}()
	d := b.dispatch(ctx, it)
	returned = true
	return b.conclude(it, d, more)
}

// conclude takes in what a run has come to; see runItem.
func (b *batch) conclude(it *item, d runtime.Decision, more bool) bool {
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
	if !more || state != settling || d.Settlement.Verdict != driver.Bury {
		return state == acked
	}
	b.awaitSettled(b.times.settle) // the next may run only when this one is dead
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
