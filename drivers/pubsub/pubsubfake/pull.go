package pubsubfake

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// longestPull is how long a Pull without a deadline waits.
const longestPull = 90 * time.Second

// Pull answers at once when there are messages, else as soon as there is one, or
// empty before the deadline of the call.
func (v *service) Pull(ctx context.Context, req *pubsubpb.PullRequest) (*pubsubpb.PullResponse, error) {
	if req.GetMaxMessages() < 1 {
		return nil, invalid("You have passed in a non-positive value for max_messages: %d.", req.GetMaxMessages())
	}
	limit := min(int(req.GetMaxMessages()), maxBatch)
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.subscription(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	end := s.pullEnd(ctx)
	var w *waiter
	for {
		now := s.now()
		switch {
		case b.deleted:
			return nil, notFound(b.config.GetName())
		case b.detached:
			return nil, status.Errorf(codes.FailedPrecondition, "The subscription is detached from its topic (resource=%s).", b.config.GetName())
		case b.pusher != nil:
			return nil, status.Error(codes.FailedPrecondition, "This method is not supported for push subscriptions.")
		case ctx.Err() != nil && !s.opts.Linger:
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		got := b.take(limit, now)
		if len(got) > 0 || now >= end || returnsAtOnce(req) {
			b.wake(now)
			return b.deliver(got), nil
		}
		if w == nil {
			fresh := newWaiter()
			w = &fresh
		}
		b.wait(w)
		b.wake(now)
		s.mu.Unlock()
		woken := s.pause(ctx, w, end)
		s.mu.Lock()
		b.active = s.now()
		b.unwait(w, b.active)
		if !woken && s.closed {
			return nil, errClosed
		}
	}
}

// returnsAtOnce reads a field that callers are told not to set and may.
func returnsAtOnce(req *pubsubpb.PullRequest) bool {
	return req.GetReturnImmediately() //nolint:staticcheck // it is still served
}

// pullEnd is when a Pull is answered at the latest.
func (s *Server) pullEnd(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	switch {
	case !ok:
		return s.now() + longestPull
	case s.opts.PullMargin < 0:
		return s.now() + time.Until(deadline) + time.Hour // the deadline ends it before
	default:
		return s.now() + time.Until(deadline) - s.opts.PullMargin
	}
}

// take leases messages, at most limit and maxBytes.
func (b *subscription) take(limit int, now time.Duration) []*item {
	b.advance(now)
	var got []*item
	bytes := 0
	for len(got) < limit {
		found := b.next(limit - len(got))
		if len(found) == 0 {
			return got
		}
		for _, it := range found {
			bytes += it.size
			if len(got) > 0 && bytes > maxBytes {
				return got
			}
			it.delivery++
			it.live = true
			b.hide(it, leased, now+b.hold)
			got = append(got, it)
		}
	}
	return got
}

func (b *subscription) deliver(got []*item) *pubsubpb.PullResponse {
	out := &pubsubpb.PullResponse{}
	for _, it := range got {
		r := &pubsubpb.ReceivedMessage{AckId: b.ackID(it), Message: it.message}
		if b.dead != nil {
			r.DeliveryAttempt = int32(it.failures + 1)
		}
		out.ReceivedMessages = append(out.ReceivedMessages, r)
	}
	return out
}
