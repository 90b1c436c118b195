package pubsubemulator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	driverpubsub "github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pubsubemulator"
)

// connect gives clients of an emulator, which end with the test.
func connect(t *testing.T, host string) pubsubfake.Clients {
	t.Helper()
	opts := []option.ClientOption{
		option.WithEndpoint(host), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		option.WithGRPCDialOption(grpc.WithUnaryInterceptor(cut)),
	}
	topics, err := pubsub.NewTopicAdminClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	subscriptions, err := pubsub.NewSubscriptionAdminClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = topics.Close()        // nothing is under way
		_ = subscriptions.Close() // nothing is under way
	})
	return pubsubfake.Clients{Topics: topics, Subscriptions: subscriptions}
}

// driverClients are those that the driver has of the same endpoint.
func driverClients(c pubsubfake.Clients) driverpubsub.Clients {
	return driverpubsub.Clients{Topics: c.Topics, Subscriptions: c.Subscriptions}
}

// TestProbes holds the emulator to the rules that the in-process server keeps. What
// it is known to do otherwise stands in pubsubfake.Differences, and nothing else is
// different.
func TestProbes(t *testing.T) {
	t.Parallel()
	host := pubsubemulator.Host(t)
	known := make(map[string]pubsubfake.Difference)
	for _, d := range pubsubfake.Differences() {
		known[d.Rule] = d
	}
	for i, p := range pubsubfake.Probes() {
		t.Run(p.Rule, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			err := p.Run(ctx, connect(t, host), "probes", fmt.Sprintf("probe-%d-%d", time.Now().UnixNano(), i))
			switch d, different := known[p.Rule]; {
			case err != nil && !different:
				t.Errorf("the emulator breaks the rule (%s): %v", p.Source, err)
			case err == nil && different:
				t.Errorf("the emulator was known to break the rule (%s) and keeps it; take it out of pubsubfake.Differences", d.Emulator)
			case different:
				t.Logf("the emulator %s: %v", d.Emulator, err)
			}
		})
	}
}
