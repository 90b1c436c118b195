package pubsubfake

import (
	"context"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
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
	_, id, err := split(name, "subscriptions")
	if err != nil {
		return nil, err
	}
	b := s.subscriptions[name]
	if b == nil {
		return nil, notFound(id)
	}
	return b, nil
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
	if s.subscriptions[req.GetName()] != nil {
		return nil, alreadyExists(id)
	}
	b := &subscription{s: s, uid: rand.Uint64(), project: project, id: id, topic: t, active: s.now()}
	b.alarm = alarm{s: s, ring: func() { b.wake(s.now()) }}
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
