package sqsfake

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Probe shows that an endpoint keeps one rule of Amazon SQS. The same probes run
// on this server and on others, so that a wrong belief does not pass in both the
// server and the code that is tested with it.
type Probe struct {
	// Rule says what is so.
	Rule string
	// Source is the page of Amazon's documentation that says it.
	Source string
	// Run creates queues whose names begin with prefix and deletes them at the
	// end. It takes no more than some seconds, and its error says what was seen
	// instead.
	Run func(ctx context.Context, client *sqs.Client, prefix string) error
}

// Difference is a rule that LocalStack is known to break, so that its probe must
// fail there.
type Difference struct {
	Rule       string // of a Probe
	LocalStack string // what LocalStack 4.14 does
	Amazon     string // what Amazon SQS does
	Source     string // how that is known
}

// Probes gives every rule that has a probe. The rules are distinct.
func Probes() []Probe {
	var probes []Probe
	for _, r := range slices.Concat(sendRules, receiveRules, settleRules, batchRules, fifoRules, deadLetterRules, moveRules, queueRules) {
		probes = append(probes, Probe{Rule: r.rule, Source: r.source, Run: func(ctx context.Context, client *sqs.Client, prefix string) error {
			t := &trial{ctx: ctx, client: client, prefix: prefix}
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

// Pages of the Amazon SQS Developer Guide and, as an action's name, of the API
// Reference.
const (
	pageQuotas      = `Developer Guide, "Amazon SQS message quotas"`
	pageMetadata    = `Developer Guide, "Amazon SQS message metadata"`
	pageVisibility  = `Developer Guide, "Amazon SQS visibility timeout"`
	pagePolling     = `Developer Guide, "Amazon SQS short and long polling"`
	pageIdentifiers = `Developer Guide, "Amazon SQS queue and message identifiers"`
	pageDelay       = `Developer Guide, "Amazon SQS message timers"`
	pageDeadLetter  = `Developer Guide, "Using dead-letter queues in Amazon SQS"`
	pageRedrive     = `Developer Guide, "Learn how to configure a dead-letter queue redrive in Amazon SQS"`
	pageExactlyOnce = `Developer Guide, "Exactly-once processing in Amazon SQS"`
	pageFIFO        = `Developer Guide, "FIFO queue delivery logic in Amazon SQS"`
	pageFair        = `Developer Guide, "Amazon SQS fair queues"`
	pageBatch       = `Developer Guide, "Amazon SQS batch actions"`
)
