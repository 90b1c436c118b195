package pubsub

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/driver"
)

// unconnected is a queue on clients that are never used.
func unconnected(t *testing.T) *Queue {
	q, err := New(Clients{new(apiv1.TopicAdminClient), new(apiv1.SubscriptionAdminClient)}, "p", "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// What the in-process server does not have, subscriptions of Google's may.
func TestDeadLetterSubscriptionsThatKeepNothing(t *testing.T) {
	q := unconnected(t)
	for says, got := range map[string]*pubsubpb.Subscription{
		"":        {},
		"filter":  {Filter: `attributes.a = "b"`},
		"pushes":  {PushConfig: &pubsubpb.PushConfig{PushEndpoint: "https://example.com"}},
		"exports": {BigqueryConfig: new(pubsubpb.BigQueryConfig)},
		"pull":    {CloudStorageConfig: new(pubsubpb.CloudStorageConfig)},
		"policy":  {DeadLetterPolicy: new(pubsubpb.DeadLetterPolicy)},
	} {
		got.Topic = q.dead.topic
		err := q.agreeDead("op", got)
		if says == "" && err != nil || says != "" && (!driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%v: %v", got, err)
		}
	}
}

func TestRetryDelay(t *testing.T) {
	d := durationpb.New
	for _, tt := range []struct {
		p    *pubsubpb.RetryPolicy
		want time.Duration
	}{
		{nil, 0}, {&pubsubpb.RetryPolicy{}, 10 * time.Second},
		{&pubsubpb.RetryPolicy{MinimumBackoff: d(time.Minute)}, time.Minute},
		{&pubsubpb.RetryPolicy{MinimumBackoff: d(0), MaximumBackoff: d(time.Minute)}, time.Minute},
		{&pubsubpb.RetryPolicy{MinimumBackoff: d(0), MaximumBackoff: d(0)}, 0},
	} {
		if got := retryDelay(tt.p); got != tt.want {
			t.Errorf("%v: %v; want %v", tt.p, got, tt.want)
		}
	}
}

func TestIdleExpiry(t *testing.T) {
	for _, tt := range []struct {
		p    *pubsubpb.ExpirationPolicy
		want time.Duration
	}{
		{nil, 31 * 24 * time.Hour}, {&pubsubpb.ExpirationPolicy{}, 0}, {&pubsubpb.ExpirationPolicy{Ttl: durationpb.New(time.Hour)}, time.Hour},
	} {
		if got := idleExpiry(&pubsubpb.Subscription{ExpirationPolicy: tt.p}); got != tt.want {
			t.Errorf("%v: %v; want %v", tt.p, got, tt.want)
		}
	}
}

func TestSameName(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"projects/p/topics/t", "projects/p/topics/t"}:   true,
		{"projects/p/topics/t", "projects/123/topics/t"}: true,
		{"projects/p/topics/t", "projects/q/topics/t"}:   false,
		{"projects/1/topics/t", "projects/2/topics/t"}:   false,
		{"projects/p/topics/t", "projects/123/topics/u"}: false,
	} {
		if got := sameName(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v", pair, got)
		}
	}
}

// No request has more than 1,000 ack ids or 512 KiB, whatever their length.
func TestRequestsOnLeasesAreBounded(t *testing.T) {
	q := unconnected(t)
	for _, length := range []int{20, 230, 600, 5000} {
		claims := make([]claim, maxIDs)
		for i := range claims {
			claims[i] = claim{Index: i, Lease: &lease{source: &q.source, handle: strconv.Itoa(i) + strings.Repeat("x", length)}}
		}
		seen, calls := 0, 0
		r := request{source: &q.source, op: "op", errs: make([]error, len(claims))}
		r.send = func(_ context.Context, _ *Clients, ids []string) error {
			in := &pubsubpb.ModifyAckDeadlineRequest{Subscription: q.subscription, AckIds: ids, AckDeadlineSeconds: 600}
			if n := proto.Size(in); n > maxIDBytes || len(ids) > maxIDs {
				t.Errorf("a request of %d bytes and %d ids", n, len(ids))
			}
			for _, id := range ids {
				if !strings.HasPrefix(id, strconv.Itoa(seen)+"x") {
					t.Errorf("id %.8s came in place %d", id, seen)
				}
				seen++
			}
			calls++
			return nil
		}
		r.do(t.Context(), claims)
		if want := 1 + maxIDs*length/maxIDBytes; seen != maxIDs || calls < want || calls > want+1 {
			t.Errorf("ids of %d bytes: %d in %d requests; want all in about %d", length, seen, calls, want)
		}
	}
}
