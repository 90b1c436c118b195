package pubsubfake

import (
	"context"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
)

type topicProto = pubsubpb.Topic

// topic is one topic. Its fields are guarded by the server's mu.
type topic struct {
	project, id   string
	config        *topicProto
	subscriptions []*subscription // attached
}

// topic gives the topic of a full name.
func (s *Server) topic(name string) (*topic, error) {
	_, id, err := split(name, "topics")
	if err != nil {
		return nil, err
	}
	t := s.topics[name]
	if t == nil {
		return nil, notFound(id)
	}
	return t, nil
}

// CreateTopic makes a topic.
func (v *service) CreateTopic(_ context.Context, req *topicProto) (*topicProto, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	project, id, err := split(req.GetName(), "topics")
	if err != nil {
		return nil, err
	}
	if s.topics[req.GetName()] != nil {
		return nil, alreadyExists(id)
	}
	config := proto.CloneOf(req)
	config.State = pubsubpb.Topic_ACTIVE
	s.topics[config.GetName()] = &topic{project: project, id: id, config: config}
	return proto.CloneOf(config), nil
}

// GetTopic gives the configuration of a topic.
func (v *service) GetTopic(_ context.Context, req *pubsubpb.GetTopicRequest) (*topicProto, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	t, err := v.s.topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(t.config), nil
}
