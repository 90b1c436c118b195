package sbfake

import (
	"context"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
)

// Clients are those of one namespace.
type Clients struct {
	Messages *azservicebus.Client
	Admin    *admin.Client
}

// Probe shows that a namespace keeps one rule of Azure Service Bus. The same probes run
// on this server and on others, so that a wrong belief does not pass in both the server
// and the code that is tested with it.
type Probe struct {
	// Rule says what is so.
	Rule string
	// Source is the page of Microsoft's documentation that says it, or where else it is
	// known from.
	Source string
	// Run creates queues whose names begin with prefix, and deletes them at the end. It
	// takes less than a minute, and its error says what was seen instead.
	Run func(ctx context.Context, clients Clients, prefix string) error
}

// Probes gives every rule that has a probe. The rules are distinct.
func Probes() []Probe {
	var probes []Probe
	for _, r := range slices.Concat(lockRules, settleRules, queueRules, sessionRules) {
		probes = append(probes, Probe{Rule: r.rule, Source: r.source, Run: func(ctx context.Context, clients Clients, prefix string) error {
			t := &trial{ctx: ctx, clients: clients, prefix: prefix}
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

// Pages of Microsoft's documentation of Azure Service Bus, and other sources.
const (
	pageLocks     = `documentation, "Message transfers, locks, and settlement"`
	pageDead      = `documentation, "Overview of Service Bus dead-letter queues"`
	pageSessions  = `documentation, "Message sessions"`
	pageDuplicate = `documentation, "Duplicate detection"`
	pageSequence  = `documentation, "Message sequencing and timestamps"`
	pageExpire    = `documentation, "Message expiration (time to live)"`
	pageDefer     = `documentation, "Message deferral"`
	pageBrowse    = `documentation, "Message browsing"`
	pageQuotas    = `documentation, "Service Bus quotas"`
	pageErrors    = `documentation, "Service Bus messaging exceptions"`
	issueReleased = "Azure/amqpnetlite, issue 342"
	issueDead     = "Azure/azure-sdk-for-net, issue 53437"
)
