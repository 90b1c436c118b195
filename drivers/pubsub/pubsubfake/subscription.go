package pubsubfake

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

type subscriptionProto = pubsubpb.Subscription

// subscription is one subscription. Its fields are guarded by the server's mu.
type subscription struct {
	backlog

	s           *Server
	uid         uint64
	project, id string
	config      *subscriptionProto
	topic       *topic // nil when it is deleted or the subscription detached
	deleted     bool
	detached    bool
	active      time.Duration // when it was used last
	pusher      *pusher       // nil when it is pulled

	// What config says.
	hold        time.Duration
	retention   time.Duration
	idle        time.Duration // without use, after which it is deleted; 0: never
	ordered     bool
	exactlyOnce bool
	dead        *deadLetter
	retry       *retry
}

// subscription gives the subscription of a full name.
func (s *Server) subscription(name string) (*subscription, error) {
	if _, _, err := split(name, "subscriptions"); err != nil {
		return nil, err
	}
	b := s.subscriptions[name]
	if b == nil || s.expired(b) {
		return nil, notFound(name)
	}
	b.active = s.now()
	return b, nil
}

// expired deletes b if nobody has used it for too long, and says whether it did.
func (s *Server) expired(b *subscription) bool {
	pulled := b.pusher == nil && len(b.waiters) > 0 // a pusher that waits is no use
	if b.idle == 0 || s.now()-b.active < b.idle || pulled {
		return false
	}
	s.remove(b)
	return true
}

// expire deletes the subscriptions that nobody has used for too long.
func (s *Server) expire() {
	for _, b := range s.subscriptions {
		s.expired(b)
	}
}

// remove deletes b and its messages.
func (s *Server) remove(b *subscription) {
	delete(s.subscriptions, b.config.GetName())
	b.deleted = true
	b.cutOff()
}

// cutOff takes b from its topic and drops its messages.
func (b *subscription) cutOff() {
	if b.topic != nil {
		b.topic.subscriptions = slices.DeleteFunc(b.topic.subscriptions, func(o *subscription) bool { return o == b })
		b.topic = nil
	}
	b.clear()
	b.alarm.Stop()
	b.wakeAll()
	b.pusher = nil
}

// CreateSubscription makes a subscription of a topic, to which messages come that
// are published from then on.
func (v *service) CreateSubscription(_ context.Context, req *subscriptionProto) (*subscriptionProto, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	project, id, err := split(req.GetName(), "subscriptions")
	if err != nil {
		return nil, err
	}
	t, err := s.topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	config, err := s.normal(req)
	if err != nil {
		return nil, err
	}
	s.expire()
	if s.subscriptions[req.GetName()] != nil {
		return nil, alreadyExists(id)
	}
	b := &subscription{s: s, uid: rand.Uint64(), project: project, id: id, topic: t, active: s.now()}
	b.alarm = s.alarms.New(func() { b.wake(s.now()) })
	b.clear()
	b.configure(config)
	t.subscriptions = append(t.subscriptions, b)
	s.subscriptions[config.GetName()] = b
	return proto.CloneOf(config), nil
}

// GetSubscription gives the configuration of a subscription.
func (v *service) GetSubscription(_ context.Context, req *pubsubpb.GetSubscriptionRequest) (*subscriptionProto, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	b, err := v.s.subscription(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(b.config), nil
}

// UpdateSubscription changes what the mask names. Leases that run keep their ends.
func (v *service) UpdateSubscription(_ context.Context, req *pubsubpb.UpdateSubscriptionRequest) (*subscriptionProto, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.subscription(req.GetSubscription().GetName())
	if err != nil {
		return nil, err
	}
	next := proto.CloneOf(b.config)
	mutable := []string{
		"ack_deadline_seconds", "retain_acked_messages", "message_retention_duration", "labels", "expiration_policy",
		"dead_letter_policy", "retry_policy", "enable_exactly_once_delivery", "push_config",
	}
	if err := update(next, req.GetSubscription(), req.GetUpdateMask().GetPaths(), mutable); err != nil {
		return nil, err
	}
	if next, err = s.normal(next); err != nil {
		return nil, err
	}
	b.configure(next)
	b.wake(s.now())
	return proto.CloneOf(next), nil
}

// DeleteSubscription deletes a subscription and its messages.
func (v *service) DeleteSubscription(_ context.Context, req *pubsubpb.DeleteSubscriptionRequest) (*emptypb.Empty, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	b, err := v.s.subscription(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	v.s.remove(b)
	return &emptypb.Empty{}, nil
}

// DetachSubscription drops the messages of a subscription for good; it gets no
// more.
func (v *service) DetachSubscription(_ context.Context, req *pubsubpb.DetachSubscriptionRequest) (*pubsubpb.DetachSubscriptionResponse, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	b, err := v.s.subscription(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	b.detached = true
	b.config.Detached = true
	b.cutOff()
	return &pubsubpb.DetachSubscriptionResponse{}, nil
}

// ListSubscriptions gives the subscriptions of a project, by name.
func (v *service) ListSubscriptions(_ context.Context, req *pubsubpb.ListSubscriptionsRequest) (*pubsubpb.ListSubscriptionsResponse, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if err := checkProject(req.GetProject()); err != nil {
		return nil, err
	}
	v.s.expire()
	names, token, err := page(within(req.GetProject(), v.s.subscriptions), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &pubsubpb.ListSubscriptionsResponse{NextPageToken: token}
	for _, name := range names {
		out.Subscriptions = append(out.Subscriptions, proto.CloneOf(v.s.subscriptions[name].config))
	}
	return out, nil
}

// StreamingPull is not there.
func (v *service) StreamingPull(pubsubpb.Subscriber_StreamingPullServer) error {
	return unimplemented("StreamingPull", "use Pull")
}

// Seek is not there.
func (v *service) Seek(context.Context, *pubsubpb.SeekRequest) (*pubsubpb.SeekResponse, error) {
	return nil, unimplemented("Seek", "acknowledge messages or create another subscription")
}

// CreateSnapshot is not there.
func (v *service) CreateSnapshot(context.Context, *pubsubpb.CreateSnapshotRequest) (*pubsubpb.Snapshot, error) {
	return nil, unimplemented("snapshots", "create another subscription")
}
