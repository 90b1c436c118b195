package pubsubfake

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// pusher gives the messages of a push subscription to its endpoint. It is a goroutine
// of the server, from when the subscription has an endpoint until it has none, and
// one for each request under way. Its fields are guarded by the server's mu.
type pusher struct {
	b        *subscription
	endpoint string
	window   window
	flying   int // requests under way
	waiter   waiter
}

// direct has the subscription pushed or pulled, as its configuration says.
func (b *subscription) direct() {
	endpoint := b.config.GetPushConfig().GetPushEndpoint()
	fresh := window{size: b.s.opts.PushWindow}
	switch p := b.pusher; {
	case endpoint == "" && p != nil:
		b.pusher = nil
		p.waiter.ring() // to end
	case endpoint != "" && p == nil && !b.detached && !b.s.closed:
		p = &pusher{b: b, endpoint: endpoint, window: fresh, waiter: newWaiter()}
		b.pusher = p
		b.s.work.Go(p.run)
		b.wakeAll() // Pulls that wait, to fail
	case p != nil && endpoint != p.endpoint:
		p.endpoint, p.window = endpoint, fresh
		p.waiter.ring()
	}
}

// run pushes until the subscription has no endpoint any more, then waits for the
// answers that are under way. They are cut when the server is closed.
func (p *pusher) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := p.b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for p.works() {
		p.begin(ctx)
		p.rest()
	}
	for p.flying > 0 && !s.closed {
		p.rest()
	}
}

// works says whether p is to push.
func (p *pusher) works() bool { return p.b.pusher == p && !p.b.s.closed }

// begin begins as many requests as there are messages for and the window allows. Of
// a line it takes one message only: the next may go when that is acknowledged.
func (p *pusher) begin(ctx context.Context) {
	b, now := p.b, p.b.s.now()
	if b.s.expired(b) {
		return
	}
	for p.window.open(p.flying, now) {
		got := b.take(1, now)
		if len(got) == 0 {
			return
		}
		it := got[0]
		// The request ends the lease. It has no other end while the request is
		// under way, but one for a client that does not heed its context.
		b.hide(it, leased, now+b.hold+requestMargin)
		r := &pushRequest{
			config: b.config.GetPushConfig(), subscription: b.config.GetName(), id: b.id, hold: b.hold,
			message: it.message, it: it, delivery: it.delivery, round: p.window.round,
		}
		if b.dead != nil {
			r.attempt = it.failures + 1
		}
		p.flying++
		b.s.work.Go(func() { p.push(ctx, r) })
	}
}

// requestMargin is how long after its request the lease of a pushed message ends.
const requestMargin = time.Second

// rest lets go of the server's mu until there may be something to do.
func (p *pusher) rest() {
	b, s := p.b, p.b.s
	now := s.now()
	hungry := p.works() && p.window.open(p.flying, now)
	var paused <-chan time.Time
	if hungry {
		b.wait(&p.waiter)
		b.wake(now)
	} else if d := p.window.until - now; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		paused = t.C
	}
	s.mu.Unlock()
	select {
	case <-p.waiter.woken:
	case <-paused:
	case <-s.done:
	}
	s.mu.Lock()
	if hungry {
		b.unwait(&p.waiter, s.now())
	}
}

// pushRequest is one delivery of a message to an endpoint. It is immutable.
type pushRequest struct {
	config       *pubsubpb.PushConfig
	subscription string // full name
	id           string // of the subscription
	hold         time.Duration
	message      *pubsubpb.PubsubMessage
	attempt      int // 0 without a dead-letter policy

	it       *item
	delivery uint32
	round    int // of the window
}

// push sends r and settles its message by the answer.
func (p *pusher) push(ctx context.Context, r *pushRequest) {
	b, s := p.b, p.b.s
	ok := s.send(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	b.advance(now)
	p.flying--
	if ok {
		b.active = now
		p.window.succeed()
	} else {
		p.window.fail(r.round, now)
	}
	if it := r.it; b.items[it.number] == it && it.delivery == r.delivery && it.live {
		if ok {
			b.acknowledge(it)
		} else {
			b.nack(it, now)
		}
	}
	b.wake(now)
	p.waiter.ring()
}
