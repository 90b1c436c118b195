package pubsub

import (
	"context"
	"errors"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/iterator"

	"github.com/longshore-dev/longshore/driver"
)

// Policy reads the subscription and that of the dead letter. What the credentials
// may not read is taken from the declarations in the URL; without one that is
// PermissionDenied for the queue itself.
//
// InvalidArgument when a declaration or a name differs from what is read, when the
// subscription is detached, when it has a dead letter but no dead-letter policy, by
// which alone Pub/Sub counts deliveries, and when the dead letter's subscription
// would not keep what arrives there. NotFound when a topic was deleted.
func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) {
	op := q.ops.policy
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return driver.Policy{}, err
	}
	defer q.gate.Leave()
	o := &q.options
	var p driver.Policy
	live, err := q.describe(ctx, op)
	switch {
	case err == nil:
		if err := q.agree(op, live); err != nil {
			return p, err
		}
		p.Hold, p.Retention = q.source.settings.Load().hold(), live.GetMessageRetentionDuration().AsDuration()
		p.RetryDelay, p.IdleExpiry = retryDelay(live.GetRetryPolicy()), idleExpiry(live)
		if p.AlsoSentTo, err = q.others(ctx, op); err != nil {
			return p, err
		}
		if d := live.GetDeadLetterPolicy(); d != nil {
			p.MaxAttempts, p.DeadLetterTarget = int(d.GetMaxDeliveryAttempts()), d.GetDeadLetterTopic()
		}
	case !mayNot(err) || o.Hold == 0 && o.MaxDeliveries == 0:
		return p, err
	default:
		p.Hold, p.MaxAttempts, p.DeadLetterTarget = o.Hold, o.MaxDeliveries, q.dead.topic
	}
	return p, q.deadPolicy(ctx, op, &p)
}

// deadPolicy adds what is known of the dead letter.
func (q *Queue) deadPolicy(ctx context.Context, op string, p *driver.Policy) error {
	dead, err := q.dead.describe(ctx, op)
	switch {
	case driver.Is(err, driver.NotFound):
		return nil // no target, or nothing that keeps what arrives there
	case p.DeadLetterTarget == "" && (err == nil || mayNot(err)):
		return driver.Errorf(driver.InvalidArgument, op,
			"subscription %q has no dead-letter policy, without which Pub/Sub counts no deliveries; give it one with dead-letter topic %q and as many delivery attempts as the worker needs",
			q.subscription, q.dead.topic)
	case mayNot(err) && q.options.DeadSubscription != "":
		p.DeadLetterReadable = true // declared
		return nil
	case mayNot(err):
		return driver.Errorf(driver.PermissionDenied, op,
			"whether anything keeps the dead letters may not be read; declare it by dead_subscription= in the URL, or: %w", err)
	case err != nil:
		return err
	}
	if err := q.agreeDead(op, dead); err != nil {
		return err
	}
	p.DeadLetterReadable, p.DeadLetterRetention = true, dead.GetMessageRetentionDuration().AsDuration()
	if d := idleExpiry(dead); d > 0 && (p.IdleExpiry == 0 || d < p.IdleExpiry) {
		p.IdleExpiry = d
	}
	return nil
}

// agree refuses names and declarations that differ from what the subscription says.
func (q *Queue) agree(op string, got *pubsubpb.Subscription) error {
	if err := q.agreeKept(op, got); err != nil {
		return err
	}
	o := &q.options
	hold := time.Duration(got.GetAckDeadlineSeconds()) * time.Second
	dead := got.GetDeadLetterPolicy()
	differs := func(param string, declared, read any) error {
		return driver.Errorf(driver.InvalidArgument, op, "%s=%v is declared, and subscription %q says %v; correct the URL or the subscription",
			param, declared, q.subscription, read)
	}
	switch {
	case got.GetEnableMessageOrdering() != o.Ordered:
		return differs("ordering", o.Ordered, got.GetEnableMessageOrdering())
	case got.GetEnableExactlyOnceDelivery() != o.ExactlyOnce:
		return differs("exactly_once", o.ExactlyOnce, got.GetEnableExactlyOnceDelivery())
	case o.Hold != 0 && o.Hold != hold:
		return differs("hold", o.Hold, hold)
	case dead == nil && o.MaxDeliveries != 0:
		return differs("max_deliveries", o.MaxDeliveries, "that it has no dead-letter policy")
	case dead == nil:
	case o.MaxDeliveries != 0 && o.MaxDeliveries != int(dead.GetMaxDeliveryAttempts()):
		return differs("max_deliveries", o.MaxDeliveries, dead.GetMaxDeliveryAttempts())
	case dead.GetDeadLetterTopic() == deletedTopic:
		return driver.Errorf(driver.NotFound, op, "the dead-letter topic of subscription %q was deleted; give it another", q.subscription)
	case !sameName(dead.GetDeadLetterTopic(), q.dead.topic):
		return differs("dead_topic", q.dead.topic, dead.GetDeadLetterTopic())
	}
	return nil
}

// agreeDead refuses a dead letter whose subscription does not keep what is published
// to its topic, or that cannot be pulled from.
func (q *Queue) agreeDead(op string, got *pubsubpb.Subscription) error {
	refuse := func(problem, fix string) error {
		return driver.Errorf(driver.InvalidArgument, op, "the dead letter's subscription %q %s; %s", q.dead.subscription, problem, fix)
	}
	if err := q.dead.agreeKept(op, got); err != nil {
		return err
	}
	switch {
	case got.GetFilter() != "":
		return refuse("has a filter, and what does not pass it is lost", "create one without")
	case len(got.GetMessageTransforms()) > 0:
		return refuse("has message transforms, which change or lose what it gets", "remove them")
	case got.GetPushConfig().GetPushEndpoint() != "" || exports(got):
		return refuse("pushes or exports what it gets", "name a pull subscription by dead_subscription")
	case got.GetDeadLetterPolicy() != nil:
		return refuse("has a dead-letter policy of its own, by which dead letters that are looked at too often leave it", "remove that")
	}
	return nil
}

func exports(s *pubsubpb.Subscription) bool {
	return s.GetBigqueryConfig() != nil || s.GetCloudStorageConfig() != nil || s.GetBigtableConfig() != nil
}

// sameName says whether two complete names can be of the same thing: a project has
// an id and a number.
func sameName(a, b string) bool {
	pa, pb := projectOf(a), projectOf(b)
	return a == b || shortName(a) == shortName(b) && (isNumber(pa) != isNumber(pb))
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// retryDelay is the least that a retry policy delays a delivery. Source: reference
// of google.pubsub.v1, RetryPolicy.
func retryDelay(p *pubsubpb.RetryPolicy) time.Duration {
	switch {
	case p == nil:
		return 0
	case p.GetMinimumBackoff() == nil:
		return defaultBackoff
	case p.GetMinimumBackoff().AsDuration() == 0:
		return p.GetMaximumBackoff().AsDuration()
	}
	return p.GetMinimumBackoff().AsDuration()
}

// idleExpiry is after how long without use Pub/Sub deletes a subscription, 0 for
// never. Source: reference of google.pubsub.v1, ExpirationPolicy.
func idleExpiry(s *pubsubpb.Subscription) time.Duration {
	if s.GetExpirationPolicy() == nil {
		return 31 * 24 * time.Hour
	}
	return s.GetExpirationPolicy().GetTtl().AsDuration()
}

// maxOthers is how many are named.
const maxOthers = 5

// others are the further subscriptions of the topic, each of which gets a copy of
// all that is published to it. Who may not know is not told.
func (q *Queue) others(ctx context.Context, op string) (string, error) {
	api, err := q.clients(ctx, op)
	if err != nil {
		return "", err
	}
	request, cancel := within(ctx, patience)
	defer cancel()
	all := api.Topics.ListTopicSubscriptions(request, &pubsubpb.ListTopicSubscriptionsRequest{Topic: q.topic}, once)
	var names []string
	for len(names) < maxOthers {
		name, err := all.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			e := classify(ctx, op, actionList, q.topic, err)
			if mayNot(e) || e.Code == driver.Unsupported {
				return "", nil
			}
			return "", e
		}
		if !sameName(name, q.subscription) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", "), nil
}

// Stats is Unsupported: Pub/Sub counts in Cloud Monitoring only.
func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	op := q.ops.stats
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return driver.Stats{}, err
	}
	defer q.gate.Leave()
	return driver.Stats{}, driver.Errorf(driver.Unsupported, op,
		"Pub/Sub counts in Cloud Monitoring only; see subscription/num_undelivered_messages there")
}
