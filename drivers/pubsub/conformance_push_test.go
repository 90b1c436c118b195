package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
)

// balancer is a service behind one address: each push goes to the next of its
// instances. While there is none the subscription is one to pull from.
type balancer struct {
	clients pubsub.Clients

	mu        sync.Mutex
	instances []*pushentry.Handler // guarded by mu
	turn      int                  // guarded by mu
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	if len(b.instances) == 0 {
		b.mu.Unlock()
		http.Error(w, "no instance", http.StatusServiceUnavailable)
		return
	}
	b.turn++
	h := b.instances[b.turn%len(b.instances)]
	b.mu.Unlock()
	h.ServeHTTP(w, r)
}

func (b *balancer) join(ctx context.Context, h *pushentry.Handler) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = append(b.instances, h)
	if len(b.instances) > 1 {
		return nil
	}
	return b.push(ctx, &pubsubpb.PushConfig{PushEndpoint: "https://orders.test/"})
}

func (b *balancer) leave(ctx context.Context, h *pushentry.Handler) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = slices.DeleteFunc(b.instances, func(o *pushentry.Handler) bool { return o == h })
	if len(b.instances) > 0 {
		return nil
	}
	return b.push(ctx, new(pubsubpb.PushConfig))
}

func (b *balancer) push(ctx context.Context, c *pubsubpb.PushConfig) error {
	return b.clients.Subscriptions.ModifyPushConfig(ctx, &pubsubpb.ModifyPushConfigRequest{Subscription: subscription, PushConfig: c})
}

// pushed is a queue whose messages are pushed to a balancer, and what it can do then.
type pushed struct {
	onServer
	to *balancer
}

func (q pushed) Capabilities() driver.Capabilities { return hosted(q.onServer.Capabilities()) }

// hosted is what a queue can do whose messages are pushed.
func hosted(c driver.Capabilities) driver.Capabilities {
	c.FixedHold = true
	c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{Note: "a push is refused, and comes again by the subscription's retry policy"}, 0
	return c
}

func (q pushed) As(target any) bool {
	if p, ok := target.(**balancer); ok {
		*p = q.to
		return true
	}
	return q.onServer.As(target)
}

// pushRetry is the subscription's retry policy: Pub/Sub's own minimum.
const pushRetry = 10 * time.Second

// pushEngine is an instance of a service that tasks are pushed to.
func pushEngine() *conformance.Engine {
	return &conformance.Engine{Name: "push", Answers: true, CannotExtend: true, CannotKeep: true, Retry: pushRetry, Lead: 2 * time.Second, Run: func(ctx context.Context, j conformance.Job) error {
		queues, err := j.Queues()
		if err != nil {
			return err
		}
		o := &j.Options
		h, err := pushentry.New(j.Mux(), queues, &pushentry.Options{
			Unauthenticated: true, Concurrency: o.Concurrency, Logger: slog.New(slog.DiscardHandler),
			OnSettled: o.OnSettled, OnError: o.OnError, OnDead: o.OnDead,
		})
		if err != nil {
			return err
		}
		if err := h.Check(ctx); err != nil {
			return err
		}
		var to *balancer
		if !j.Queue.As(&to) {
			return errors.New("the queue's messages are not pushed")
		}
		if err := to.join(ctx, h); err != nil {
			return err
		}
		o.OnStart()
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
		defer cancel()
		return errors.Join(to.leave(ctx, h), h.Drain(ctx))
	}}
}

// The worker layer once more, with messages that are pushed.
func TestConformancePush(t *testing.T) {
	want := declared()
	b := backend("push", pubsub.Options{})
	b.Open = func(t *testing.T, o conformance.Options) (driver.Queue, error) {
		to := new(balancer)
		server := pubsubfake.New(&pubsubfake.Options{PushClient: pubsubfake.HandlerClient(to)})
		t.Cleanup(func() { _ = server.Close() })
		q, err := provision(context.Background(), server, pubsub.Options{}, o)
		if err != nil {
			return nil, err
		}
		if to.clients, err = newClients(context.Background(), server); err != nil {
			return nil, err
		}
		_, err = to.clients.Subscriptions.UpdateSubscription(context.Background(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: subscription, RetryPolicy: &pubsubpb.RetryPolicy{
				MinimumBackoff: durationpb.New(pushRetry), MaximumBackoff: durationpb.New(pushRetry),
			}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"retry_policy"}},
		})
		return pushed{q, to}, err
	}
	b.Engine = pushEngine()
	conformance.RunLayer(t, b, hosted(want), conformance.LayerWorker)
}
