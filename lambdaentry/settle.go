package lambdaentry

import (
	"context"
	"errors"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// maxSettlers is how many Settle calls of an invocation are under way at once.
	maxSettlers = 8
	// maxAsleep is how many settlers wait for another try meanwhile.
	maxAsleep = 24
	// settleTime bounds one call.
	settleTime = 10 * time.Second
	// settleFor is how long a settle that fails is tried again.
	settleFor = time.Minute
)

// decided takes in what became of an item. The caller holds mu.
func (b *batch) decided(it *item) {
	it.ended = time.Now()
	d := &it.decision
	switch {
	case d.Action == runtime.Nothing:
		it.err = runtime.ErrLeaseLost
		it.state = returned
	case d.Action == runtime.Settle && d.Settlement.Verdict == driver.Ack:
		it.state = acked
		it.source.finish(it.id)
		if b.giving && !b.deserted {
			b.settle(it)
		}
	case b.deserted: // it is left to come again when its lease ends
		it.state = returned
	case it.lost: // what the handler wanted is no longer ours to do
		it.err = runtime.ErrLeaseLost
		it.state = returned
	default:
		b.settle(it)
	}
}

// settle puts an item in line for a settler. The caller holds mu.
func (b *batch) settle(it *item) {
	it.state = settling
	if it.extending { // the extend that is under way hands it on
		it.deferred = true
		b.settlers++
		b.asleep++
		return
	}
	b.toSettle = append(b.toSettle, it)
	b.hire()
}

// hire starts a settler where there is call for one. Those that are asleep hold up
// nothing but where order is kept. The caller holds mu.
func (b *batch) hire() {
	most, busy := maxSettlers, b.settlers-min(b.asleep, maxAsleep)
	if b.ordered {
		most, busy = 1, b.settlers
	}
	if n := len(b.toSettle); n == 0 || busy >= most || busy > 0 && n < 10 {
		return
	}
	b.settlers++
	b.stay()
	go func() { // ends when nothing is left to settle
		defer b.leave()
		b.settler()
	}()
}

// ackAll acknowledges what is done by itself, in place of by the answer.
func (b *batch) ackAll() { b.ackBefore(time.Now()) }

func (b *batch) ackBefore(when time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range b.items {
		if it.state == acked && !it.ended.After(when) {
			b.settle(it)
		}
	}
}

// awaitSettled waits until all that is decided is settled, at most until a time; the
// zero time stands for none. Settles that are under way at the time after which none
// counts are cut off.
func (b *batch) awaitSettled(until time.Time) {
	b.mu.Lock()
	if b.settlers == 0 {
		b.mu.Unlock()
		return
	}
	if b.quiet == nil {
		b.quiet = make(chan struct{})
	}
	quiet := b.quiet
	b.mu.Unlock()
	late, stop := at(until)
	defer stop()
	select {
	case <-quiet:
	case <-late:
		if until.Equal(b.times.settle) {
			b.cut()
			<-quiet
		}
	}
}

// settler settles batches of one queue until there is nothing left.
func (b *batch) settler() {
	for {
		b.mu.Lock()
		if len(b.toSettle) == 0 {
			if b.settlers--; b.settlers == 0 && b.quiet != nil {
				close(b.quiet)
				b.quiet = nil
			}
			b.mu.Unlock()
			return
		}
		s := b.toSettle[0].source
		var part, rest []*item
		for _, it := range b.toSettle {
			if it.source == s && len(part) < s.capabilities.MaxSettleBatch {
				part = append(part, it)
			} else {
				rest = append(rest, it)
			}
		}
		b.toSettle = rest
		b.mu.Unlock()
		b.settlePart(s, part)
	}
}

// settlePart settles some messages of a queue, trying again what fails for now.
func (b *batch) settlePart(s *source, part []*item) {
	began := time.Now()
	for try := 1; len(part) > 0; try++ {
		ctx, cancel := b.within(settleTime)
		within, end := runtime.Settling(ctx, settledOf(part))
		errs := b.settleOnce(within, s, part)
		end(errs)
		cancel()
		var again []*item
		var wait time.Duration
		b.mu.Lock()
		for i, it := range part {
			if b.settled(it, errs[i]) {
				again = append(again, it)
				wait = max(wait, retryAfter(errs[i]))
			}
		}
		b.mu.Unlock()
		part = again
		if len(part) == 0 {
			return
		}
		wait = max(wait, min(50*time.Millisecond<<min(try, 6), 2*time.Second))
		b.mu.Lock()
		b.asleep++
		b.hire()
		b.mu.Unlock()
		more := b.sleep(began, wait)
		b.mu.Lock()
		b.asleep--
		for _, it := range part {
			if !more && it.state == settling { // what is only to be acked is gone
				it.state = returned
			}
		}
		b.mu.Unlock()
		if !more {
			return
		}
	}
}

// settledOf is what telemetry is told of a call.
func settledOf(part []*item) []runtime.Settled {
	all := make([]runtime.Settled, len(part))
	for i, it := range part {
		all[i] = runtime.Settled{Queue: it.source.info.Name, MessageID: it.id, Decision: it.decision}
	}
	return all
}

// settleOnce makes one call, after the copies that go before it: each is sent on a
// lease that was extended just now, or whoever has the message by then would send one
// as well.
func (b *batch) settleOnce(ctx context.Context, s *source, part []*item) []error {
	errs := make([]error, len(part))
	var sending []int
	var leases []driver.Lease
	for i, it := range part {
		if it.decision.Action == runtime.CopyThenAck && !it.copied {
			sending, leases = append(sending, i), append(leases, it.lease)
		}
	}
	if len(sending) > 0 {
		var copies []driver.Message
		var confirmed []int
		for j, r := range s.info.Driver.Extend(ctx, leases, s.info.Hold) {
			if errs[sending[j]] = r.Err; r.Err == nil {
				confirmed, copies = append(confirmed, sending[j]), append(copies, *part[sending[j]].decision.Copy)
			}
		}
		if len(copies) > 0 {
			for j, r := range s.info.Driver.Send(ctx, copies) {
				errs[confirmed[j]], part[confirmed[j]].copied = r.Err, r.Err == nil
			}
		}
	}
	var batch []driver.Settlement
	var places []int
	for i, it := range part {
		if errs[i] == nil {
			v := it.decision.Settlement
			v.Lease = it.lease
			batch, places = append(batch, v), append(places, i)
		}
	}
	if len(batch) > 0 {
		for j, err := range s.info.Driver.Settle(ctx, batch) {
			errs[places[j]] = err
		}
	}
	return errs
}

// settled takes in the result of a settle, and says whether to try again. The caller
// holds mu.
func (b *batch) settled(it *item, err error) (again bool) {
	v := &it.decision.Settlement
	it.err = err
	it.tries++
	switch {
	case v.Verdict == driver.Ack && (it.decision.Action == runtime.Settle || it.copied):
		// Done; where this ack failed the answer makes up for it.
		it.source.finish(it.id)
		if it.state = gone; err != nil && driver.Retryable(err) && it.tries < 3 {
			return true
		}
	case err == nil && v.Verdict == driver.Release:
		it.state = returned
	case err == nil:
		it.state = gone
	case driver.Is(err, driver.TooLarge) && v.Verdict == driver.Bury && v.Detail != "":
		v.Detail = ""
		return true
	case driver.Retryable(err):
		return true
	default:
		it.state = returned
	}
	return false
}

// sleep waits before another try at settles that were begun at a time; false when there
// is no time for one.
func (b *batch) sleep(began time.Time, d time.Duration) bool {
	end := began.Add(settleFor)
	if !b.times.settle.IsZero() && b.times.settle.Before(end) {
		end = b.times.settle
	}
	if time.Now().Add(d).After(end) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.cutOff:
	case <-b.over:
	}
	return false
}

// retryAfter is how long the broker asks to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
