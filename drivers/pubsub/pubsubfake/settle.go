package pubsubfake

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// maxSettle is the size of a request to acknowledge or to change ack deadlines, in
// bytes (Google Pub/Sub documentation, "Quotas and limits", resource limits).
const maxSettle = 512 << 10

// maxHold is the longest ack deadline, and how long one change extends it (API
// reference, "ModifyAckDeadlineRequest").
const maxHold = 600

// Acknowledge takes messages out of the subscription.
func (v *service) Acknowledge(ctx context.Context, req *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	return v.s.settle(ctx, req, req.GetSubscription(), req.GetAckIds(), func(b *subscription, it *item, _ time.Duration) {
		b.acknowledge(it)
	})
}

// acknowledge takes it out of the subscription, or keeps it for those before it in
// its line.
func (b *subscription) acknowledge(it *item) {
	it.live = false
	if it.line != nil && it.line.items.First() != it && !b.exactlyOnce {
		b.enter(it, acked)
		b.regroup(it.line)
		return
	}
	b.drop(it)
}

// nack ends its lease, if that has not ended by itself.
func (b *subscription) nack(it *item, now time.Duration) {
	it.live = false
	if it.state == leased { // the end of a lease was counted already
		b.fail(it, now, now)
	}
}

// ModifyAckDeadline moves the ends of leases to ack_deadline_seconds from now; 0
// ends them.
func (v *service) ModifyAckDeadline(ctx context.Context, req *pubsubpb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	seconds := req.GetAckDeadlineSeconds()
	if seconds < 0 || seconds > maxHold {
		return nil, invalid("Invalid ack deadline: %d. Ack deadlines must be between 0 and %d seconds.", seconds, maxHold)
	}
	hold := time.Duration(seconds) * time.Second
	return v.s.settle(ctx, req, req.GetSubscription(), req.GetAckIds(), func(b *subscription, it *item, now time.Duration) {
		if hold > 0 {
			b.hide(it, leased, now+hold)
			return
		}
		b.nack(it, now)
	})
}

// settle runs effect for the message of each ack id that is good. That one is not
// is an error with exactly-once delivery only.
func (s *Server) settle(ctx context.Context, req proto.Message, name string, ids []string, effect func(*subscription, *item, time.Duration)) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.subscription(name)
	if err != nil {
		return nil, err
	}
	if n := proto.Size(req); n > maxSettle {
		return nil, invalid("Request payload size exceeds the limit: %d bytes.", maxSettle)
	}
	if len(ids) == 0 {
		return nil, invalid("No ack ids specified.")
	}
	deliveries := make([]delivery, len(ids))
	for i, id := range ids {
		d, ok := s.parseAckID(id)
		if !ok || d.subscription != b.uid {
			return nil, invalid("You have passed an invalid ack ID to the service (ack_id=%s).", id)
		}
		deliveries[i] = d
	}
	now := s.now()
	b.advance(now)
	failed := map[string]string{}
	f := faultOf(ctx)
	for i, d := range deliveries {
		struck := f != nil && f.strikes(i)
		if struck && f.Transient && b.exactlyOnce {
			failed[ids[i]] = TransientFailure
			continue
		}
		it := b.items[d.message]
		if it == nil || it.delivery != d.number || !it.live || struck && f.Stale {
			failed[ids[i]] = InvalidAckID
			continue
		}
		effect(b, it, now)
	}
	b.wake(now)
	if b.exactlyOnce && len(failed) > 0 {
		return nil, detailed(status.New(codes.InvalidArgument, "Some acknowledgement ids in the request were invalid. This could be because the acknowledgement ids have expired or the acknowledgement ids were malformed."),
			&errdetails.ErrorInfo{Reason: "EXACTLY_ONCE_ACKID_FAILURE", Domain: "pubsub.googleapis.com", Metadata: failed})
	}
	return &emptypb.Empty{}, nil
}

// What the ErrorInfo of a failed Acknowledge or ModifyAckDeadline says of an ack id
// on a subscription with exactly-once delivery.
const (
	InvalidAckID     = "PERMANENT_FAILURE_INVALID_ACK_ID"
	TransientFailure = "TRANSIENT_FAILURE_INVALID_ACK_ID"
)
