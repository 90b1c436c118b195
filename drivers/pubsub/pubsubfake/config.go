package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Bounds and defaults of a subscription (API reference, "Subscription",
// "DeadLetterPolicy", "RetryPolicy", "ExpirationPolicy").
const (
	day = 24 * time.Hour

	defaultHold = 10 // seconds
	minHold     = 10

	defaultRetention = 7 * day
	minRetention     = 10 * time.Minute
	maxRetention     = 31 * day

	defaultIdle = 31 * day
	minIdle     = day

	defaultAttempts = 5
	minAttempts     = 5
	maxAttempts     = 100

	defaultMinBackoff = 10 * time.Second
	defaultMaxBackoff = 600 * time.Second
	maxBackoff        = 600 * time.Second
)

// normal gives a copy of c with defaults for what it does not say, or says why it
// is refused.
func (s *Server) normal(c *subscriptionProto) (*subscriptionProto, error) {
	c = proto.CloneOf(c)
	c.State = pubsubpb.Subscription_ACTIVE
	if err := unsupported(c); err != nil {
		return nil, err
	}
	if c.GetAckDeadlineSeconds() == 0 {
		c.AckDeadlineSeconds = defaultHold
	}
	if n := c.GetAckDeadlineSeconds(); n < minHold || n > maxHold {
		return nil, invalid("Invalid ack deadline given: %d. Please enter a value between %d and %d.", n, minHold, maxHold)
	}
	if c.MessageRetentionDuration == nil {
		c.MessageRetentionDuration = durationpb.New(defaultRetention)
	}
	if d := c.GetMessageRetentionDuration().AsDuration(); d < minRetention || d > maxRetention {
		return nil, invalid("Invalid message retention duration: %v. It must be between %v and %v.", d, minRetention, maxRetention)
	}
	if c.ExpirationPolicy == nil {
		c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(defaultIdle)}
	}
	if ttl := c.GetExpirationPolicy().GetTtl(); ttl != nil && ttl.AsDuration() < minIdle {
		return nil, invalid("Invalid expiration policy: the ttl %v is less than %v.", ttl.AsDuration(), minIdle)
	}
	if err := normalPush(c); err != nil {
		return nil, err
	}
	if err := s.normalDeadLetter(c); err != nil {
		return nil, err
	}
	return c, normalRetry(c)
}

func (s *Server) normalDeadLetter(c *subscriptionProto) error {
	p := c.GetDeadLetterPolicy()
	if p == nil {
		return nil
	}
	if p.GetDeadLetterTopic() == "" {
		c.DeadLetterPolicy = nil
		return nil
	}
	if p.GetMaxDeliveryAttempts() == 0 {
		p.MaxDeliveryAttempts = defaultAttempts
	}
	if n := p.GetMaxDeliveryAttempts(); n < minAttempts || n > maxAttempts {
		return status.Errorf(codes.OutOfRange, "The value for max_delivery_attempts is %d in the request, but it must be between %d and %d.", n, minAttempts, maxAttempts)
	}
	_, err := s.topic(p.GetDeadLetterTopic())
	return err
}

func normalRetry(c *subscriptionProto) error {
	p := c.GetRetryPolicy()
	if p == nil {
		return nil
	}
	if p.MinimumBackoff == nil {
		p.MinimumBackoff = durationpb.New(defaultMinBackoff)
	}
	if p.MaximumBackoff == nil {
		p.MaximumBackoff = durationpb.New(defaultMaxBackoff)
	}
	least, most := p.GetMinimumBackoff().AsDuration(), p.GetMaximumBackoff().AsDuration()
	if least < 0 || most > maxBackoff || least > most {
		return invalid("Invalid retry policy: backoff from %v to %v. It must be between 0s and %v, the minimum not above the maximum.", least, most, maxBackoff)
	}
	return nil
}

// unsupported refuses what this server does not have.
func unsupported(c *subscriptionProto) error {
	switch {
	case c.GetFilter() != "":
		return unimplemented("filters", "create the subscription without one")
	case c.GetBigqueryConfig() != nil, c.GetCloudStorageConfig() != nil, c.GetBigtableConfig() != nil:
		return unimplemented("export subscriptions", "use Pull")
	case len(c.GetMessageTransforms()) > 0:
		return unimplemented("message transforms", "create the subscription without one")
	}
	return nil
}

// configure takes c, which is normal, for the subscription's own.
func (b *subscription) configure(c *subscriptionProto) {
	b.config = c
	b.hold = time.Duration(c.GetAckDeadlineSeconds()) * time.Second
	b.retention = c.GetMessageRetentionDuration().AsDuration()
	b.idle = c.GetExpirationPolicy().GetTtl().AsDuration()
	b.ordered = c.GetEnableMessageOrdering()
	b.exactlyOnce = c.GetEnableExactlyOnceDelivery()
	b.dead, b.retry = nil, nil
	if p := c.GetDeadLetterPolicy(); p != nil {
		b.dead = &deadLetter{topic: p.GetDeadLetterTopic(), max: int(p.GetMaxDeliveryAttempts())}
	}
	if p := c.GetRetryPolicy(); p != nil {
		b.retry = &retry{p.GetMinimumBackoff().AsDuration(), p.GetMaximumBackoff().AsDuration()}
	}
	b.direct()
}
