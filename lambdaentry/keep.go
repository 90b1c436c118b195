package lambdaentry

import (
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// keepEvery is how often the keeper looks.
	keepEvery = 250 * time.Millisecond
	// ackAfter is how long what is done waits for the answer to say so.
	ackAfter = time.Second
	// extendTime bounds one Extend call.
	extendTime = 5 * time.Second
	// sixfold is how many times a function's time the visibility should be. Source: AWS
	// Lambda Developer Guide, "Creating and configuring an Amazon SQS event source
	// mapping".
	sixfold = 6
)

// extendAt is when a lease that ends at a time is to be extended: with a third left.
func extendAt(now, expires time.Time) time.Time { return expires.Add(-expires.Sub(now) / 3) }

// keep extends leases that would end before the batch does, and acknowledges early what
// is done, until all is decided.
func (b *batch) keep(over <-chan struct{}) {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-b.over:
			return
		case now := <-ticker.C:
			b.ackBefore(now.Add(-ackAfter))
			b.extend(time.Now(), over)
		}
	}
}

// extend extends what is due, queue by queue, until over is closed.
func (b *batch) extend(now time.Time, over <-chan struct{}) {
	due := make(map[*source][]*item)
	b.mu.Lock()
	for _, it := range b.items {
		if it.state > running || it.lost || it.joined || now.Before(it.extendAt) {
			continue
		}
		if !now.Before(it.expires) {
			b.lose(it)
			continue
		}
		due[it.source] = append(due[it.source], it)
	}
	b.mu.Unlock()
	for s, items := range due {
		for len(items) > 0 {
			select {
			case <-over:
				return
			default:
			}
			n := min(len(items), s.capabilities.MaxSettleBatch)
			b.ackBefore(time.Now().Add(-ackAfter)) // each part may take its time
			b.extendPart(s, slices.Clone(items[:n]))
			items = items[n:]
		}
	}
}

func (b *batch) extendPart(s *source, items []*item) {
	var leases []driver.Lease
	b.mu.Lock()
	items = slices.DeleteFunc(items, func(it *item) bool { return it.state > running || it.joined })
	for _, it := range items {
		it.extending = true
		leases = append(leases, it.lease)
	}
	b.mu.Unlock()
	if len(items) == 0 {
		return
	}
	limit := extendTime
	if !b.times.leave.IsZero() { // the end does not wait for it
		limit = min(limit, time.Until(b.times.leave))
	}
	ctx, cancel := b.within(limit)
	defer cancel()
	results := s.info.Driver.Extend(ctx, leases, s.info.Hold)
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range results {
		it := items[i]
		it.extending = false
		if it.deferred {
			it.deferred = false
			b.settlers--
			b.asleep--
			b.settle(it)
		}
		switch {
		case it.state > running || it.lease != leases[i]: // it has a newer one, see join
		case r.Err == nil:
			it.expires, it.extendAt = r.Expires, extendAt(now, r.Expires)
		case driver.Is(r.Err, driver.LeaseLost):
			b.lose(it)
		default: // try again soon, and take it for lost at its end
			it.extendAt = now.Add(min(time.Second, it.expires.Sub(now)/4))
		}
	}
}

// lose ends the handler of a message whose lease is lost. The caller holds mu.
func (b *batch) lose(it *item) {
	it.lost = true
	b.options.Logger.Warn("the lease of a message was lost; it may run elsewhere", "queue", it.source.info.Name, "message", it.id)
	if it.cancel != nil {
		it.cancel(runtime.ErrLeaseLost)
	}
}

// warnOfVisibility says once when the visibility of a queue is short for the time that
// an invocation has.
func (b *batch) warnOfVisibility(now time.Time) {
	if b.times.end.IsZero() {
		return
	}
	whole := b.times.end.Sub(now)
	for _, s := range b.sources {
		if hold := time.Duration(s.hold.Load()); hold > 0 && hold < sixfold*whole.Truncate(time.Second) && !s.told.Swap(true) {
			b.options.Logger.Warn("the visibility of the queue is below six times the function's time, so that messages may come twice while Lambda keeps them; raise it",
				"queue", s.info.Name, "visibility", hold, "function", whole.Round(time.Second))
		}
	}
}
