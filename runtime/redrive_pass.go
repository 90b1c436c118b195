package runtime

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// pass is one redrive or discard. It belongs to the goroutine that called that.
type pass struct {
	op       string
	queue    *QueueInfo
	opts     *passOptions
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

// passOptions are what a pass does with which dead letters, see RedriveOptions.
type passOptions struct {
	verb     passVerb
	match    func(DeadTask) bool // nil for all
	max      int                 // 0 for no limit, as rate
	rate     float64             // a second
	hold     time.Duration       // 0 for the dead letter's own
	progress func(passReport)    // nil for none
}

// passReport is what a pass has done. How it ended is known at the end.
type passReport struct {
	done, kept, failed int
	complete           bool
	reason             string
}

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

// runPass does a pass on the named queue.
func runPass(ctx context.Context, op string, queues *Queues, queue string, opts *passOptions) (passReport, error) {
	q, err := queues.get(queue)
	if err != nil {
		return passReport{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := opts.check(op, &q.capabilities); err != nil {
		return passReport{}, err
	}
	return newPass(op, q, opts).do(ctx)
}

func (o *passOptions) check(op string, c *driver.Capabilities) error {
	switch {
	case o.max < 0:
		return driver.Errorf(driver.InvalidArgument, op, "max %d is negative; use 1 or more, or 0 for no limit", o.max)
	case !(o.rate >= 0) || math.IsInf(o.rate, 0): // also NaN
		return driver.Errorf(driver.InvalidArgument, op, "rate %v is not a number of 0 or more; use messages a second, or 0 for no limit", o.rate)
	case o.hold == 0:
		return nil
	case c.FixedHold:
		return driver.Errorf(driver.InvalidArgument, op, "hold %v cannot be chosen on this queue, whose hold is fixed; use 0", o.hold)
	case o.hold < c.MinHold || o.hold > c.MaxHold:
		return driver.Errorf(driver.InvalidArgument, op, "hold %v is not within %v to %v; use one that is, or 0 for the dead letter's own",
			o.hold, c.MinHold, c.MaxHold)
	}
	return nil
}

func newPass(op string, q *QueueInfo, opts *passOptions) *pass {
	p := &pass{
		op: op, queue: q, opts: opts, leases: newDeadLeases(q, opts.hold), start: time.Now(), told: time.Now(),
		fates: make(map[digest]fate), sent: make(map[digest]int),
	}
	if total := q.capabilities.MaxTotalHold; total != driver.Unlimited {
		p.deadline = p.start.Add(total / 5 * 4)
	}
	return p
}

// do runs the pass to its end.
func (p *pass) do(ctx context.Context) (passReport, error) {
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
	r.reason, r.complete = end.reason, end.complete && p.failed == 0
	if end.complete && p.isBlind() {
		r.reason += "; but a receive failed, and what it may have leased comes back when its hold ends"
		r.complete = false
	}
	if p.failed > 0 {
		r.reason += fmt.Sprintf("; %d failed, the first with: %v", p.failed, p.first)
	}
	if left > 0 {
		r.reason += fmt.Sprintf("; %d could not be released and come back when their hold ends", left)
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

func (p *pass) report() passReport {
	return passReport{done: p.moved, kept: p.kept, failed: p.failed}
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
		work, fresh, known, newer := p.take(got)
		switch {
		case fresh > 0:
			quiet, again = 0, 0
		case known > 0:
			again += known
		case newer == 0:
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
			return &passEnd{reason: fmt.Sprintf("the dead letter has nothing more that was dead when the %s began", p.opts.verb.noun), complete: true}
		}
	}
}

// over says whether the pass must end before it goes on.
func (p *pass) over(ctx context.Context) *passEnd {
	switch {
	case ctx.Err() != nil:
		return &passEnd{reason: "it was interrupted: " + ctx.Err().Error(), err: driver.ContextError(ctx, "")}
	case p.opts.max > 0 && p.moved+p.unsure >= p.opts.max:
		return &passEnd{reason: fmt.Sprintf("the most messages to %s, %d, were %s", p.opts.verb.do, p.opts.max, p.opts.verb.done)}
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
	if p.opts.match == nil && p.opts.max > 0 {
		n = min(n, p.opts.max-p.moved-p.unsure)
	}
	if p.opts.rate > 0 && p.opts.rate < float64(n)/10 {
		n = min(n, max(10, int(10*p.opts.rate)))
	}
	return n
}

// receive leases a page. A call that fails is tried again for redriveRetry.
func (p *pass) receive(ctx context.Context) ([]driver.Lease, error) {
	opts := driver.ReceiveOptions{Max: p.pageSize(), Wait: redriveWait, Hold: p.opts.hold}
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
// about and what was chosen before, fresh how much of that is new, known how many
// were seen before because their leases have lapsed, and newer how many died since
// the pass began: others may be behind them.
func (p *pass) take(leases []driver.Lease) (work []*deadLease, fresh, known, newer int) {
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
				newer++
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
	return work, fresh, known, newer
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
	if p.opts.match == nil {
		return true, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.opts.match(t), nil
}

// tell calls Progress.
func (p *pass) tell() (end *passEnd) {
	p.told = time.Now()
	if p.opts.progress == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err := &PanicError{Value: v, Stack: debug.Stack()}
			end = &passEnd{reason: "Progress panicked", err: fmt.Errorf("progress: %w", err)}
		}
	}()
	p.opts.progress(p.report())
	return nil
}
