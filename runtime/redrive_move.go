package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// maxPause is longer than anybody waits for the next move.
const maxPause = 1000 * 24 * time.Hour

// batchSize is how many to move at once.
func (p *pass) batchSize() int {
	n := p.queue.capabilities.MaxSettleBatch
	if p.opts.max > 0 {
		n = min(n, p.opts.max-p.moved-p.unsure)
	}
	if p.opts.rate > 0 && p.opts.rate/10 < float64(n) {
		n = max(1, int(p.opts.rate/10))
	}
	return n
}

// pace waits until the rate allows another batch, or the pass must end.
func (p *pass) pace(ctx context.Context) *passEnd {
	at := p.next
	if !p.deadline.IsZero() && p.deadline.Before(at) {
		at = p.deadline
	}
	if wait := time.Until(at); wait > 0 {
		_ = sleep(ctx, wait) // over looks at ctx
	}
	return p.over(ctx)
}

// spend takes n moves off the rate. What was not used is not made up for.
func (p *pass) spend(n int) {
	if p.opts.rate > 0 {
		pause := min(float64(n)/p.opts.rate, maxPause.Seconds())
		p.next = time.Now().Add(time.Duration(pause * float64(time.Second)))
	}
}

// move redrives or discards a batch. What fails and may be tried again is, for redriveRetry.
func (p *pass) move(ctx context.Context, batch []*deadLease) *passEnd {
	calls := context.WithoutCancel(ctx)
	end := time.Now().Add(redriveRetry)
	for try := 1; ; try++ {
		live, gone := p.leases.claim(batch)
		for _, l := range gone {
			if l.tried {
				p.doubt(l, fmt.Errorf("its lease was lost before the broker said whether it was %s", p.opts.verb.done))
			} else {
				p.fail(l, fmt.Errorf("its lease was lost before it could be %s", p.opts.verb.done))
				p.fates[l.key] = lapsedFate
			}
		}
		if len(live) == 0 {
			return nil
		}
		if try == 1 {
			p.spend(len(live))
		}
		var retry, fatal error
		batch = batch[:0]
		for i, err := range p.leases.settle(calls, live, p.opts.verb.verdict) {
			l := live[i]
			l.tried = true
			switch {
			case err == nil:
				p.done(l)
			case driver.Is(err, driver.LeaseLost):
				p.doubt(l, err)
			case driver.Retryable(err):
				retry = err
				batch = append(batch, l)
			default:
				p.fail(l, err)
				if endsPass(err) {
					fatal = err
				}
			}
		}
		if fatal == nil && (retry == nil || p.again(ctx, try, end, retry)) {
			if len(batch) == 0 {
				return nil
			}
			continue
		}
		for _, l := range batch {
			p.doubt(l, retry)
		}
		if fatal != nil {
			return p.failure(calls, p.opts.verb.do, fatal)
		}
		return p.failure(ctx, p.opts.verb.do, retry)
	}
}

// endsPass says whether an error of one move will be that of every other.
func endsPass(err error) bool {
	switch driver.CodeOf(err) {
	case driver.InvalidArgument, driver.TooLarge:
		return false
	}
	return true
}

// done counts a message that has moved.
func (p *pass) done(l *deadLease) {
	if p.counted(l) {
		p.failed--
	}
	if p.fates[l.key] == unsureFate {
		p.unsure--
	}
	p.moved++
	p.leave(l)
	p.fates[l.key] = finalFate
}

// doubt counts a message that may have moved. If it comes again it has not, and
// is tried once more.
func (p *pass) doubt(l *deadLease, err error) {
	if p.fates[l.key] == unsureFate {
		p.fates[l.key] = finalFate
		return
	}
	p.fail(l, err)
	p.unsure++
	p.leave(l)
	p.fates[l.key] = unsureFate
}

// fail counts a message that stays for an error.
func (p *pass) fail(l *deadLease, err error) {
	if !p.counted(l) {
		p.failed++
		if p.first == nil {
			p.first = err
		}
	}
	p.fates[l.key] = finalFate
}

// counted says whether l is among the failed, from an earlier delivery.
func (p *pass) counted(l *deadLease) bool {
	return p.fates[l.key] == lapsedFate || p.fates[l.key] == unsureFate
}

// leave remembers a task that was sent back, by which it is known if it dies
// again. What was discarded cannot: another copy of it is one to decide on.
func (p *pass) leave(l *deadLease) {
	if p.opts.verb.verdict != driver.Redrive {
		return
	}
	if before, ok := p.sent[l.moving]; !ok || l.task.Redrives < before {
		p.sent[l.moving] = l.task.Redrives
	}
}
