package pubsubfake

import (
	"context"
	"net/http"
	"slices"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
)

// Clients are those of one endpoint.
type Clients struct {
	Topics        *pubsub.TopicAdminClient
	Subscriptions *pubsub.SubscriptionAdminClient
	// Receive gives the URL at which what is pushed gets to h, until stop, which
	// waits for h. Nil means a listener on the loopback, for a server on this
	// machine.
	Receive func(h http.Handler) (url string, stop func(), err error)
}

// Probe shows that an endpoint keeps one rule of Google Pub/Sub. The same probes
// run on this server and on others, so that a wrong belief does not pass in both
// the server and the code that is tested with it.
type Probe struct {
	// Rule says what is so.
	Rule string
	// Source is the page of Google's documentation that says it, or where it was
	// measured.
	Source string
	// Run creates topics and subscriptions in a project, given by its id, whose
	// names begin with prefix, and deletes them at the end. It takes less than a
	// minute, and its error says what was seen instead.
	Run func(ctx context.Context, clients Clients, project, prefix string) error
}

// Difference is a rule that the official emulator is known to break, so that its
// probe must fail there.
type Difference struct {
	Rule     string // of a Probe
	Emulator string // what the emulator 0.8.20 does
	Service  string // what Google Pub/Sub does, and so this server
	Source   string // how that is known
}

// Probes gives every rule that has a probe. The rules are distinct.
func Probes() []Probe {
	var probes []Probe
	for _, r := range slices.Concat(publishRules, pullRules, leaseRules, settleRules, deadLetterRules, retryRules, exactlyOnceRules, orderRules, topicRules, subscriptionRules, pushConfigRules, pushRules) {
		probes = append(probes, Probe{Rule: r.rule, Source: r.source, Run: func(ctx context.Context, clients Clients, project, prefix string) error {
			t := &trial{ctx: ctx, clients: clients, project: "projects/" + project, prefix: prefix}
			defer t.clean()
			r.probe(t)
			return t.err
		}})
	}
	return probes
}

// rule is a row of the tables of rules.
type rule struct {
	rule, source string
	probe        func(t *trial)
}

// Pages of the Google Pub/Sub documentation and, as a message's or method's name,
// of the RPC reference of package google.pubsub.v1.
const (
	pageQuotas      = `documentation, "Quotas and limits"`
	pageNames       = `documentation, "Create a topic", resource names`
	pagePublish     = `documentation, "Publish messages to topics"`
	pagePull        = `documentation, "Pull subscriptions"`
	pageLease       = `documentation, "Extend acknowledgment deadlines"`
	pageDeadLetter  = `documentation, "Dead-letter topics"`
	pageRetry       = `documentation, "Subscription retry policy"`
	pageExactlyOnce = `documentation, "Exactly-once delivery"`
	pageOrder       = `documentation, "Order messages"`
	pageDetach      = `documentation, "Detach a subscription"`
	pagePush        = `documentation, "Push subscriptions"`
	pagePushAuth    = `documentation, "Authentication for push subscriptions"`
	pageUnwrapping  = `documentation, "Payload unwrapping"`
	measured        = "measured on the official emulator 0.8.20"
)

func reference(name string) string { return "RPC reference, " + name }
