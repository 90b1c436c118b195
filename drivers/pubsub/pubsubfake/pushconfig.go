package pubsubfake

import (
	"context"
	"net/url"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// versionAttribute says which form pushed messages have (API reference,
// "PushConfig").
const versionAttribute = "x-goog-version"

// normalPush gives the push configuration of a subscription the defaults for what it
// does not say, or says why it is refused. Without an endpoint it is empty: the
// subscription is pulled.
func normalPush(c *subscriptionProto) error {
	p := c.GetPushConfig()
	if p == nil {
		return nil
	}
	if p.GetPushEndpoint() == "" {
		if p.GetOidcToken() != nil || p.GetNoWrapper() != nil {
			return invalid("You have passed an invalid argument to the service (argument=PushConfig::push_endpoint).")
		}
		c.PushConfig = &pubsubpb.PushConfig{}
		return nil
	}
	if !validEndpoint(p.GetPushEndpoint()) {
		return invalid("Invalid push endpoint given (endpoint=%s). It must be an absolute http or https URL.", p.GetPushEndpoint())
	}
	if c.GetEnableExactlyOnceDelivery() {
		return invalid("Exactly-once delivery is not supported for push subscriptions.")
	}
	if t := p.GetOidcToken(); t != nil && !strings.Contains(strings.Trim(t.GetServiceAccountEmail(), "@"), "@") {
		return invalid("Invalid service account email given in push config: %q.", t.GetServiceAccountEmail())
	}
	return normalVersion(p)
}

func normalVersion(p *pubsubpb.PushConfig) error {
	for name, value := range p.GetAttributes() {
		switch {
		case name != versionAttribute:
			return invalid("Invalid push config attribute: %q. The only supported one is %s.", name, versionAttribute)
		case value == "v1beta1":
			return unimplemented("the push format v1beta1", "take v1")
		case value != "v1" && value != "v1beta2":
			return invalid("Invalid push config: %s is %q. It must be v1, v1beta2 or v1beta1.", versionAttribute, value)
		}
	}
	if len(p.GetAttributes()) == 0 {
		p.Attributes = map[string]string{versionAttribute: "v1"}
	}
	return nil
}

// validEndpoint takes plain HTTP too, which only the official emulator does: the
// service takes HTTPS with a certificate of a known authority.
func validEndpoint(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// ModifyPushConfig changes where a subscription is pushed to; an empty configuration
// has it pulled. Its messages stay. Requests under way are settled by their answers.
func (v *service) ModifyPushConfig(_ context.Context, req *pubsubpb.ModifyPushConfigRequest) (*emptypb.Empty, error) {
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.subscription(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	next := proto.CloneOf(b.config)
	next.PushConfig = req.GetPushConfig()
	if next, err = s.normal(next); err != nil {
		return nil, err
	}
	b.configure(next)
	b.wake(s.now())
	return &emptypb.Empty{}, nil
}
