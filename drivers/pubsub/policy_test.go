package pubsub_test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const day = 24 * time.Hour

// fine is the policy of a queue as the tests make it.
func fine() driver.Policy {
	return driver.Policy{
		Hold: conformanceHold, MaxAttempts: 100, DeadLetterTarget: deadTopic, DeadLetterReadable: true,
		Retention: 7 * day, DeadLetterRetention: 14 * day,
	}
}

func TestPolicy(t *testing.T) {
	for _, o := range []pubsub.Options{
		{}, {Ordered: true}, {ExactlyOnce: true}, {Hold: conformanceHold, MaxDeliveries: 100},
		{Topic: topic, Subscription: subscription, DeadTopic: deadTopic, DeadSubscription: deadSubscription},
	} {
		on(t, nil, o, func(e *env) {
			if p, err := e.queue.Policy(e.Context()); err != nil || p != fine() {
				e.Errorf("%+v, %v; want %+v", p, err, fine())
			}
		})
	}
}

func TestPolicyTellsWhatIsUnusual(t *testing.T) {
	for what, tt := range map[string]struct {
		change func(e *env)
		want   func(p *driver.Policy)
	}{
		"another subscription": {
			func(e *env) {
				_, err := e.clients.Subscriptions.CreateSubscription(e.Context(), &pubsubpb.Subscription{Name: "projects/test/subscriptions/audit", Topic: topic})
				e.must(err)
			},
			func(p *driver.Policy) { p.AlsoSentTo = "projects/test/subscriptions/audit" },
		},
		"a retry policy": {
			func(e *env) {
				e.change(subscription, func(s *pubsubpb.Subscription) {
					s.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(7 * time.Second), MaximumBackoff: durationpb.New(time.Minute)}
				}, "retry_policy")
			},
			func(p *driver.Policy) { p.RetryDelay = 7 * time.Second },
		},
		"no dead-letter subscription": {
			func(e *env) {
				e.must(e.clients.Subscriptions.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: deadSubscription}))
			},
			func(p *driver.Policy) { p.DeadLetterReadable, p.DeadLetterRetention = false, 0 },
		},
		"subscriptions that expire": {
			func(e *env) {
				e.change(subscription, func(s *pubsubpb.Subscription) {
					s.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(31 * day)}
				}, "expiration_policy")
				e.change(deadSubscription, func(s *pubsubpb.Subscription) {
					s.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(20 * day)}
				}, "expiration_policy")
			},
			func(p *driver.Policy) { p.IdleExpiry = 20 * day },
		},
	} {
		t.Run(what, func(t *testing.T) {
			on(t, nil, pubsub.Options{}, func(e *env) {
				tt.change(e)
				want := fine()
				tt.want(&want)
				if p, err := e.queue.Policy(e.Context()); err != nil || p != want {
					e.Errorf("%+v, %v; want %+v", p, err, want)
				}
			})
		})
	}
}

func TestPolicyRefusesWhatIsNotSo(t *testing.T) {
	for says, o := range map[string]pubsub.Options{
		"hold=30s": {Hold: 30 * time.Second}, "max_deliveries=20": {MaxDeliveries: 20}, "topic=projects/test/topics/other": {Topic: "other"},
		"dead_topic=projects/test/topics/other": {DeadTopic: "other"}, "dead_subscription": {DeadSubscription: "orders-copy"},
	} {
		on(t, nil, o, func(e *env) {
			e.must(create(e.Context(), e.clients, "orders-copy", new(pubsubpb.Subscription)))
			_, err := e.queue.Policy(e.Context())
			e.code(says, err, driver.InvalidArgument, says)
		})
	}
	for param, live := range map[string]*pubsubpb.Subscription{
		"ordering=false": {EnableMessageOrdering: true}, "exactly_once=false": {EnableExactlyOnceDelivery: true},
	} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			live.Name, live.Topic = subscription, topic
			e.remake(live)
			_, err := e.queue.Policy(e.Context())
			e.code(param, err, driver.InvalidArgument, param, "says true")
		})
	}
}

func TestDeadLettersThatAreMisconfigured(t *testing.T) {
	for what, tt := range map[string]struct {
		change func(e *env)
		code   driver.Code
		says   []string
	}{
		"no policy": {
			func(e *env) {
				e.change(subscription, func(*pubsubpb.Subscription) {}, "dead_letter_policy")
			},
			driver.InvalidArgument, []string{"has no dead-letter policy", "counts no deliveries", deadTopic},
		},
		"the subscription of another topic": {
			func(e *env) {
				e.must(create(e.Context(), e.clients, "elsewhere", new(pubsubpb.Subscription)))
				e.remake(&pubsubpb.Subscription{Name: deadSubscription, Topic: "projects/test/topics/elsewhere"})
			},
			driver.InvalidArgument, []string{"topics/elsewhere", "dead_subscription"},
		},
		"a detached subscription": {
			func(e *env) {
				_, err := e.clients.Topics.DetachSubscription(e.Context(), &pubsubpb.DetachSubscriptionRequest{Subscription: deadSubscription})
				e.must(err)
			},
			driver.InvalidArgument, []string{"detached", deadSubscription},
		},
		"a dead letter of its own": {
			func(e *env) {
				e.remake(&pubsubpb.Subscription{Name: deadSubscription, Topic: deadTopic, DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic}})
			},
			driver.InvalidArgument, []string{"policy of its own", deadSubscription},
		},
		"a topic that was deleted": {
			func(e *env) {
				e.must(e.clients.Topics.DeleteTopic(e.Context(), &pubsubpb.DeleteTopicRequest{Topic: deadTopic}))
			},
			driver.NotFound, []string{"deleted"},
		},
		"the queue's own topic deleted": {
			func(e *env) {
				e.must(e.clients.Topics.DeleteTopic(e.Context(), &pubsubpb.DeleteTopicRequest{Topic: topic}))
			},
			driver.NotFound, []string{"deleted", subscription},
		},
	} {
		t.Run(what, func(t *testing.T) {
			on(t, nil, pubsub.Options{}, func(e *env) {
				tt.change(e)
				_, err := e.queue.Policy(e.Context())
				e.code(what, err, tt.code, tt.says...)
			})
		})
	}
	with(t, nil, conformance.Options{NoDeadLetter: true}, pubsub.Options{}, func(e *env) {
		p, err := e.queue.Policy(e.Context())
		if err != nil || p.DeadLetterTarget != "" || p.DeadLetterReadable || p.MaxAttempts != 0 {
			e.Errorf("%+v, %v; want none", p, err)
		}
	})
}

func TestPolicyWithoutPermission(t *testing.T) {
	denied := pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied}
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.server.Fault(denied)
		_, err := e.queue.Policy(e.Context())
		e.code("nothing declared", err, driver.PermissionDenied, "pubsub.subscriptions.get", "roles/pubsub.viewer")
	})
	on(t, nil, pubsub.Options{Hold: time.Minute, MaxDeliveries: 20}, func(e *env) {
		e.server.Fault(denied)
		_, err := e.queue.Policy(e.Context())
		e.code("the dead letter not declared", err, driver.PermissionDenied, "dead_subscription=", deadSubscription)
	})
	on(t, nil, pubsub.Options{Hold: time.Minute, MaxDeliveries: 20, DeadSubscription: "orders-dead"}, func(e *env) {
		e.server.Fault(denied)
		want := driver.Policy{Hold: time.Minute, MaxAttempts: 20, DeadLetterTarget: deadTopic, DeadLetterReadable: true}
		if p, err := e.queue.Policy(e.Context()); err != nil || p != want {
			e.Errorf("%+v, %v; want what is declared, %+v", p, err, want)
		}
	})
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.server.Fault(pubsubfake.Fault{Op: "ListTopicSubscriptions", Code: codes.PermissionDenied})
		if p, err := e.queue.Policy(e.Context()); err != nil || p != fine() {
			e.Errorf("%+v, %v; want all but the others", p, err)
		}
	})
	on(t, nil, pubsub.Options{Hold: time.Minute, MaxDeliveries: 20}, func(e *env) {
		e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.Unavailable})
		_, err := e.queue.Policy(e.Context())
		e.code("a declaration does not stand in for an outage", err, driver.Unavailable)
	})
}

func TestStatsAreUnsupported(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		_, err := e.queue.Stats(e.Context())
		e.code("stats", err, driver.Unsupported, "Cloud Monitoring")
		_, err = e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{})
		e.code("move all", err, driver.Unsupported, "message by message")
	})
}

// What the in-process server does not have is put into its answers.
func TestDeadLettersThatAreNotKeptOrPulled(t *testing.T) {
	for says, set := range map[string]func(s *pubsubpb.Subscription){
		"a filter":           func(s *pubsubpb.Subscription) { s.Filter = "attributes.a" },
		"message transforms": func(s *pubsubpb.Subscription) { s.MessageTransforms = []*pubsubpb.MessageTransform{{}} },
		"pushes": func(s *pubsubpb.Subscription) {
			s.PushConfig = &pubsubpb.PushConfig{PushEndpoint: "https://example.com"}
		},
		"exports":           func(s *pubsubpb.Subscription) { s.BigqueryConfig = &pubsubpb.BigQueryConfig{Table: "a.b.c"} },
		"pull subscription": func(s *pubsubpb.Subscription) { s.CloudStorageConfig = &pubsubpb.CloudStorageConfig{Bucket: "a"} },
	} {
		on(t, nil, pubsub.Options{}, func(e *env) {
			q := e.through(pubsub.Options{}, func(m any) error {
				if s, ok := m.(*pubsubpb.Subscription); ok && s.GetName() == deadSubscription {
					set(s)
				}
				return nil
			})
			_, err := q.Policy(e.Context())
			e.code(says, err, driver.InvalidArgument, says, deadSubscription)
			e.must(q.Close(e.Context()))
		})
	}
}
