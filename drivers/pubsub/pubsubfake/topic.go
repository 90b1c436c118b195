package pubsubfake

import (
	"context"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
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
	if _, _, err := split(name, "topics"); err != nil {
		return nil, err
	}
	t := s.topics[name]
	if t == nil {
		return nil, notFound(name)
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
	if err := checkTopic(req); err != nil {
		return nil, err
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

// UpdateTopic changes what the mask names.
func (v *service) UpdateTopic(_ context.Context, req *pubsubpb.UpdateTopicRequest) (*topicProto, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	t, err := v.s.topic(req.GetTopic().GetName())
	if err != nil {
		return nil, err
	}
	next := proto.CloneOf(t.config)
	mutable := []string{"labels", "message_storage_policy", "message_retention_duration"}
	if err := update(next, req.GetTopic(), req.GetUpdateMask().GetPaths(), mutable); err != nil {
		return nil, err
	}
	if err := checkTopic(next); err != nil {
		return nil, err
	}
	t.config = next
	return proto.CloneOf(next), nil
}

// checkTopic refuses what is invalid and what this server does not have.
func checkTopic(c *topicProto) error {
	switch {
	case c.GetSchemaSettings() != nil:
		return unimplemented("schemas", "create the topic without one")
	case c.GetIngestionDataSourceSettings() != nil:
		return unimplemented("ingestion", "publish to the topic")
	case len(c.GetMessageTransforms()) > 0:
		return unimplemented("message transforms", "create the topic without one")
	}
	if c.MessageRetentionDuration != nil {
		if d := c.GetMessageRetentionDuration().AsDuration(); d < minRetention || d > maxRetention {
			return invalid("Invalid message retention duration: %v. It must be between %v and %v.", d, minRetention, maxRetention)
		}
	}
	return nil
}

// deletedTopic is what a subscription says of its topic when that is deleted.
const deletedTopic = "_deleted-topic_"

// DeleteTopic deletes a topic. Its subscriptions stay, with their messages.
func (v *service) DeleteTopic(_ context.Context, req *pubsubpb.DeleteTopicRequest) (*emptypb.Empty, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	t, err := v.s.topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	for _, b := range t.subscriptions {
		b.topic = nil
		b.config.Topic = deletedTopic
	}
	delete(v.s.topics, req.GetTopic())
	return &emptypb.Empty{}, nil
}

// ListTopics gives the topics of a project, by name.
func (v *service) ListTopics(_ context.Context, req *pubsubpb.ListTopicsRequest) (*pubsubpb.ListTopicsResponse, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if err := checkProject(req.GetProject()); err != nil {
		return nil, err
	}
	names, token, err := page(within(req.GetProject(), v.s.topics), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &pubsubpb.ListTopicsResponse{NextPageToken: token}
	for _, name := range names {
		out.Topics = append(out.Topics, proto.CloneOf(v.s.topics[name].config))
	}
	return out, nil
}

// ListTopicSubscriptions gives the names of the subscriptions that are attached to
// a topic.
func (v *service) ListTopicSubscriptions(_ context.Context, req *pubsubpb.ListTopicSubscriptionsRequest) (*pubsubpb.ListTopicSubscriptionsResponse, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	v.s.expire()
	t, err := v.s.topic(req.GetTopic())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, b := range t.subscriptions {
		all = append(all, b.config.GetName())
	}
	names, token, err := page(all, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &pubsubpb.ListTopicSubscriptionsResponse{Subscriptions: names, NextPageToken: token}, nil
}
