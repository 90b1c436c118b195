package runtime

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// pass is one redrive or discard. It belongs to the goroutine that called that.
type pass struct {
	op       string
	verb     passVerb
	queue    *QueueInfo
	opts     *RedriveOptions
	leases   *deadLeases
	start    time.Time
	deadline time.Time     // zero for none
	next     time.Time     // when the rate allows the next move
	told     time.Time     // when Progress was last called
	taken    int           // leases so far
	longest  time.Duration // that one of them ran
	blind    time.Time     // when a receive failed last: it may have leased what nobody knows of

	fates  map[digest]fate // by message: what was decided on
	sent   map[digest]int  // by task that was moved: its redrives before, the least
	moved  int
	kept   int
	failed int
	unsure int   // of the failed, those that may have moved
	first  error // why the first of the failed has failed
}

// fate is what became of a dead letter that was decided on.
type fate uint8

const (
	unknownFate fate = iota // not decided on yet
	chosenFate              // to be moved, not tried
	lapsedFate              // so, and its lease lapsed; counted as failed until it comes again
	unsureFate              // tried once; counted as failed; if it comes again it has not moved
	finalFate               // moved, kept or failed; left alone if it comes again
)

// passVerb is what a pass does with the dead letters that are chosen, and how it
// speaks of that.
type passVerb struct {
	verdict        driver.Verdict
	noun, do, done string
}

var (
	redriveVerb = passVerb{driver.Redrive, "redrive", "move", "moved"}
	discardVerb = passVerb{driver.Ack, "discard", "discard", "discarded"}
)

// passEnd is why a pass ends. Complete says that nothing was left to look at.
type passEnd struct {
	reason   string
	complete bool
	err      error
}

func newPass(op string, verb passVerb, q *QueueInfo, opts *RedriveOptions) *pass {
	p := &pass{
		op: op, verb: verb, queue: q, opts: opts, leases: newDeadLeases(q, opts.Hold), start: time.Now(), told: time.Now(),
		fates: make(map[digest]fate), sent: make(map[digest]int),
	}
	if total := q.capabilities.MaxTotalHold; total != driver.Unlimited {
		p.deadline = p.start.Add(total / 5 * 4)
	}
	return p
}

// do runs the pass to its end.
func (p *pass) do(ctx context.Context) (RedriveReport, error) {
	var end *passEnd
	left := 0
	func() {
		stop := p.leases.keep(ctx)
		defer func() { // also when Match ends the goroutine
			stop()
			left = p.leases.release(ctx)
		}()
		end = p.run(ctx)
	}()
	r := p.report()
	r.Reason, r.Complete = end.reason, end.complete && p.failed == 0
	if end.complete && p.isBlind() {
		r.Reason += "; but a receive failed, and what it may have leased comes back when its hold ends"
		r.Complete = false
	}
	if p.failed > 0 {
		r.Reason += fmt.Sprintf("; %d failed, the first with: %v", p.failed, p.first)
	}
	if left > 0 {
		r.Reason += fmt.Sprintf("; %d could not be released and come back when their hold ends", left)
	}
	if end.err != nil {
		return r, fmt.Errorf("%s: %w", p.op, end.err)
	}
	return r, nil
}

// isBlind says whether a receive that failed may still hide messages. A lease
// runs for longer at the broker than it says.
func (p *pass) isBlind() bool {
	return !p.blind.IsZero() && (p.longest == 0 || time.Since(p.blind) < 2*p.longest)
}

func (p *pass) report() RedriveReport {
	return RedriveReport{Examined: p.moved + p.kept + p.failed, Moved: p.moved, Kept: p.kept, Failed: p.failed}
}

// run takes page after page until there is a reason to end.
func (p *pass) run(ctx context.Context) *passEnd {
	quiet, again := 0, 0 // receives, and known messages, since the last that was new
	for {
		if end := p.over(ctx); end != nil {
			return end
		}
		if p.leases.held() >= maxHeldDead {
			return &passEnd{reason: fmt.Sprintf("it holds %d dead letters that stay, which is as many as it may", maxHeldDead)}
		}
		got, err := p.receive(ctx)
		if err != nil {
			return p.failure(ctx, "receive", err)
		}
		work, fresh, known := p.take(got)
		switch {
		case fresh > 0:
			quiet, again = 0, 0
		case known > 0:
			again += known
		default:
			quiet++
		}
		if end := p.work(ctx, work); end != nil {
			return end
		}
		if len(got) > 0 {
			if end := p.tell(); end != nil {
				return end
			}
		}
		if quiet >= 2 || again > maxHeldDead {
			return &passEnd{reason: fmt.Sprintf("the dead letter has nothing more that was dead when the %s began", p.verb.noun), complete: true}
		}
	}
}

// over says whether the pass must end before it goes on.
func (p *pass) over(ctx context.Context) *passEnd {
	switch {
	case ctx.Err() != nil:
		return &passEnd{reason: "it was interrupted: " + ctx.Err().Error(), err: driver.ContextError(ctx, "")}
	case p.opts.Max > 0 && p.moved+p.unsure >= p.opts.Max:
		return &passEnd{reason: fmt.Sprintf("the most messages to %s, %d, were %s", p.verb.do, p.opts.Max, p.verb.done)}
	case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
		return &passEnd{reason: fmt.Sprintf("it took %v, after which the broker may not extend what it holds", p.deadline.Sub(p.start))}
	}
	return nil
}

// failure ends the pass because of an error, or of the end of ctx behind it.
func (p *pass) failure(ctx context.Context, verb string, err error) *passEnd {
	if ctx.Err() != nil {
		return p.over(ctx)
	}
	return &passEnd{reason: verb + " failed: " + err.Error(), err: fmt.Errorf("%s: %w", verb, err)}
}

// pageSize is how many dead letters to receive at once: no more than may be
// needed within some seconds.
func (p *pass) pageSize() int {
	n := min(p.queue.capabilities.MaxReceiveBatch, maxHeldDead-p.leases.held())
	if p.opts.Match == nil && p.opts.Max > 0 {
		n = min(n, p.opts.Max-p.moved-p.unsure)
	}
	if p.opts.Rate > 0 && p.opts.Rate < float64(n)/10 {
		n = min(n, max(10, int(10*p.opts.Rate)))
	}
	return n
}

// receive leases a page. A call that fails is tried again for redriveRetry.
func (p *pass) receive(ctx context.Context) ([]driver.Lease, error) {
	opts := driver.ReceiveOptions{Max: p.pageSize(), Wait: redriveWait, Hold: p.opts.Hold}
	end := time.Now().Add(redriveRetry)
	for try := 1; ; try++ {
		call := ctx
		if !p.queue.capabilities.CancelSafe {
			call = context.WithoutCancel(ctx)
		}
		call, cancel := context.WithTimeout(call, redriveWait+settleCallTime)
		leases, err := p.leases.source.Receive(call, opts)
		cancel()
		if err == nil {
			return leases, nil
		}
		if !driver.Is(err, driver.Throttled) {
			p.blind = time.Now()
		}
		if !p.again(ctx, try, end, err) {
			return nil, err
		}
	}
}

// again waits before another try of a call that failed; false when there is to
// be none.
func (p *pass) again(ctx context.Context, try int, end time.Time, err error) bool {
	wait := max(callBackoff(try, p.queue.Name), retryAfter(err))
	if !driver.Retryable(err) || time.Until(end) < wait {
		return false
	}
	return sleep(ctx, wait) == nil
}

// take holds what was received and sorts it. Work is what Match is to be asked
// about and what was chosen before, fresh how much of that is new, and known how
// many were seen before because their leases have lapsed.
func (p *pass) take(leases []driver.Lease) (work []*deadLease, fresh, known int) {
	page := make([]*deadLease, len(leases))
	for i, lease := range leases {
		m := lease.Message()
		l := &deadLease{lease: lease, task: deadTask(&m), key: messageKey(&m), number: p.taken}
		l.moving = taskKey(&l.task, &m)
		p.taken++
		p.longest = max(p.longest, lease.Expires().Sub(lease.Received()))
		page[i] = l
		redrives, sent := p.sent[l.moving]
		switch p.fates[l.key] {
		case unknownFate:
			if newerThan(p.start, &m) || sent && l.task.Redrives > redrives {
				p.keep(l)
				continue
			}
			fresh++
			work = append(work, l)
		case finalFate:
			known++
		case unsureFate: // which is news: it has not moved
			fresh++
			work = append(work, l)
		case chosenFate, lapsedFate:
			known++
			work = append(work, l)
		}
	}
	p.leases.take(page)
	return work, fresh, known
}

func (p *pass) keep(l *deadLease) {
	p.kept++
	p.fates[l.key] = finalFate
}

// work decides on a page and moves what is chosen, batch by batch.
func (p *pass) work(ctx context.Context, page []*deadLease) *passEnd {
	for len(page) > 0 {
		if end := p.over(ctx); end != nil {
			return end
		}
		batch, rest, bad := p.choose(ctx, page)
		page = rest
		if len(batch) > 0 {
			if end := p.pace(ctx); end != nil {
				return end
			}
			if end := p.move(ctx, batch); end != nil {
				return end
			}
		}
		if bad != nil {
			return bad
		}
		if time.Since(p.told) >= time.Second {
			if end := p.tell(); end != nil {
				return end
			}
		}
	}
	return nil
}

// choose takes what is to be moved next from the front of a page, and what stays
// before it. A slow Match makes for a small batch.
func (p *pass) choose(ctx context.Context, page []*deadLease) (batch, rest []*deadLease, bad *passEnd) {
	begun := time.Now()
	for most := p.batchSize(); len(page) > 0 && len(batch) < most; page = page[1:] {
		if ctx.Err() != nil || time.Since(begun) >= time.Second {
			break
		}
		l := page[0]
		switch p.fates[l.key] {
		case finalFate: // it is on this page twice
			continue
		case unknownFate:
			chosen, err := p.match(l.task)
			if err != nil {
				p.fail(l, err)
				return batch, page[1:], &passEnd{reason: "Match panicked", err: fmt.Errorf("match: %w", err)}
			}
			if !chosen {
				p.keep(l)
				continue
			}
			p.fates[l.key] = chosenFate
		}
		batch = append(batch, l)
	}
	return batch, page, nil
}

func (p *pass) match(t DeadTask) (chosen bool, err error) {
	if p.opts.Match == nil {
		return true, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.opts.Match(t), nil
}

// tell calls Progress.
func (p *pass) tell() (end *passEnd) {
	p.told = time.Now()
	if p.opts.Progress == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err := &PanicError{Value: v, Stack: debug.Stack()}
			end = &passEnd{reason: "Progress panicked", err: fmt.Errorf("progress: %w", err)}
		}
	}()
	p.opts.Progress(p.report())
	return nil
}
