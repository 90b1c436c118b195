package pubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// maxPull is the longest that one Pull waits; Close waits as long.
	maxPull = 20 * time.Second
	// answerTime is how much longer than it waits a Pull may take. It is at least a
	// second: the official emulator answers that much before the deadline.
	answerTime = time.Second
	// slack is how much earlier than asked a Pull may answer without being asked
	// again for the rest, and firstPause and maxPause what lies between Pulls that
	// answer earlier than that: an empty answer is not an empty queue.
	slack      = 100 * time.Millisecond
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// Receive leases messages by one Pull or several, see [driver.Source]. A Pull is
// never cancelled, as what is on its way to it would stay leased: when ctx ends
// first it goes on to its own deadline, and what it brings is released.
//
// NotFound when the subscription does not exist; PermissionDenied also when the
// subscription's own hold is wanted and may not be read; InvalidArgument when it is
// detached or pushes; Throttled when a quota is used up.
func (s *source) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	q := s.queue
	op := q.ops.receive
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return nil, err
	}
	defer q.gate.Leave()
	if err := driver.CheckReceive(op, &q.capabilities, opts); err != nil {
		return nil, err
	}
	p := pull{source: s, op: op, most: opts.Max}
	var err error
	if p.hold, p.own, err = s.holds(ctx, op, opts.Hold); err != nil {
		return nil, err
	}
	if p.api, err = q.clients(ctx, op); err != nil {
		return nil, err
	}
	end := time.Now().Add(opts.Wait)
	p.wait = pullWait(ctx, opts.Wait)
	for pause := firstPause; ; {
		asked := time.Now()
		leases, err := p.follow(ctx)
		switch {
		case err == nil && len(leases) > 0 && q.gate.Closing():
			p.giveBack(context.WithoutCancel(ctx), leases) // nobody can settle them any more
			return nil, driver.Errorf(driver.Closed, op, "the queue was closed")
		case err != nil || len(leases) > 0:
			return leases, err
		}
		left := time.Until(end)
		switch {
		case left <= 0:
			return nil, nil
		case left < slack:
			return nil, s.pause(ctx, op, left)
		case time.Since(asked) < p.wait-slack:
			if err := s.pause(ctx, op, min(pause, left)); err != nil {
				return nil, err
			}
			pause = min(2*pause, maxPause)
		default:
			pause = firstPause
		}
		if left = time.Until(end); left <= 0 {
			return nil, nil
		}
		if q.gate.Closing() {
			return nil, driver.Errorf(driver.Closed, op, "the queue was closed")
		}
		p.wait = pullWait(ctx, left)
	}
}

// pullWait is how long a Pull waits where there is time left. It goes by the deadline of
// ctx too: what goes on after that takes messages only to give them back.
func pullWait(ctx context.Context, left time.Duration) time.Duration {
	wait := min(left, maxPull)
	if at, ok := ctx.Deadline(); ok && wait > 0 {
		wait = min(wait, max(time.Until(at), time.Millisecond))
	}
	return wait
}

// pause waits where no Pull does.
func (s *source) pause(ctx context.Context, op string, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return driver.ContextError(ctx, op)
	case <-s.queue.gate.Done():
		return driver.Errorf(driver.Closed, op, "the queue was closed")
	}
}

// pull is one Pull, and the change of the hold after it.
type pull struct {
	source *source
	api    *Clients
	op     string
	most   int
	wait   time.Duration
	hold   time.Duration // that the leases are to have
	own    time.Duration // that they have by themselves; 0: not known
}

// follow makes the Pull in a goroutine of its own, which Close waits for, and leaves
// it there when ctx ends first.
func (p *pull) follow(ctx context.Context) ([]driver.Lease, error) {
	type answer struct {
		leases []driver.Lease
		err    error
	}
	answers := make(chan answer) // never closed; the caller takes one, or has gone
	this := *p                   // p goes on to the next
	unhurried := context.WithoutCancel(ctx)
	gate := p.source.queue.gate
	gate.Join()
	go func() {
		defer gate.Leave()
		leases, err := this.do(unhurried)
		select {
		case answers <- answer{leases, err}:
		case <-ctx.Done():
			this.giveBack(unhurried, leases)
		}
	}()
	select {
	case a := <-answers:
		return a.leases, a.err
	case <-ctx.Done():
		return nil, driver.ContextError(ctx, p.op)
	}
}

// giveBack releases what nobody waits for any more. What it cannot release comes
// back when its hold runs out.
func (p *pull) giveBack(ctx context.Context, leases []driver.Lease) {
	if len(leases) == 0 {
		return
	}
	claims := make([]claim, len(leases))
	for i, l := range leases {
		claims[i].Index = i
		l.As(&claims[i].Lease)
	}
	p.source.modify(ctx, p.op, 0, claims, make([]error, len(leases)))
}

// do makes the requests. Its time is its own.
func (p *pull) do(ctx context.Context) ([]driver.Lease, error) {
	start := time.Now()
	limit := p.wait + answerTime
	if p.wait == 0 {
		limit = patience
	}
	request, cancel := within(ctx, limit)
	defer cancel()
	out, err := p.api.Subscriptions.Pull(request, &pubsubpb.PullRequest{
		Subscription: p.source.subscription, MaxMessages: int32(p.most),
		// Deprecated, as it makes empty answers likelier; but no other Pull that
		// finds nothing answers before its deadline.
		ReturnImmediately: p.wait == 0, //nolint:staticcheck // see above
	}, once, anySize)
	received := time.Now()
	switch {
	case err != nil && p.wait > 0 && status.Code(err) == codes.DeadlineExceeded && !p.source.settings.Load().silence():
		return nil, nil // this is how a Pull may say that there was nothing
	case err != nil:
		return nil, classify(ctx, p.op, actionConsume, p.source.subscription, err)
	case len(out.GetReceivedMessages()) == 0:
		return nil, nil
	}
	p.source.seen.Store(true)
	all := make([]lease, len(out.ReceivedMessages))
	for i := range all {
		p.source.fill(&all[i], out.ReceivedMessages[i])
		all[i].received = received
	}
	p.setEnds(ctx, start, received, all)
	leases := make([]driver.Lease, 0, len(all))
	for i := range all {
		if !all[i].state.Ended() {
			leases = append(leases, &all[i])
		}
	}
	return leases, nil
}

// setEnds gives the leases their ends, and first the hold that is wanted where the
// subscription's own is another. What that fails for says what it really has, and
// what the broker says is lost has ended.
func (p *pull) setEnds(ctx context.Context, start, received time.Time, all []lease) {
	own, ownOver := p.own, received.Add(p.own)
	if own == 0 {
		own, ownOver = minHold, received.Add(maxHold) // no subscription has less, or more
	}
	ownEnd := received.Add(own - margin(own))
	if most := start.Add(p.wait + own); ownEnd.After(most) { // it took longer than it waits
		ownEnd = most
	}
	for i := range all {
		all[i].last(ownEnd, ownOver)
	}
	if p.hold == p.own {
		return
	}
	claimed, errs := make([]claim, len(all)), make([]error, len(all))
	for i := range all {
		claimed[i] = claim{Index: i, Lease: &all[i]}
	}
	p.source.modify(ctx, p.op, p.hold, claimed, errs)
	end, over := received.Add(p.hold), time.Now().Add(p.hold)
	for i, err := range errs {
		l := &all[i]
		switch {
		case err == nil:
			l.last(end, over)
		case driver.Is(err, driver.LeaseLost):
			l.state.Free(true)
		case driver.OutcomeUnknown(err):
			l.last(earlier(ownEnd, end), later(ownOver, over))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// fill sets what a lease says of its message.
func (s *source) fill(l *lease, r *pubsubpb.ReceivedMessage) {
	m := r.GetMessage()
	l.source = s
	l.handle = r.GetAckId()
	l.attempt = max(0, int(r.GetDeliveryAttempt()))
	l.key = m.GetOrderingKey()
	to := &l.message
	to.ID, to.Body = m.GetMessageId(), m.GetData()
	if at := m.GetPublishTime(); at.IsValid() {
		to.SentAt = at.AsTime()
	}
	if s.queue.capabilities.Ordered {
		to.GroupKey = l.key
	}
	s.unpack(l, m.GetAttributes())
}
