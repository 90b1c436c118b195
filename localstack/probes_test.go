package localstack_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/localstack"
)

// TestProbes holds LocalStack to the rules that the in-process server keeps. What
// it is known to do otherwise stands in sqsfake.Differences, and nothing else is
// different.
func TestProbes(t *testing.T) {
	t.Parallel()
	client := connect(localstack.Endpoint(t))
	known := make(map[string]sqsfake.Difference)
	for _, d := range sqsfake.Differences() {
		known[d.Rule] = d
	}
	for i, p := range sqsfake.Probes() {
		t.Run(p.Rule, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			err := p.Run(ctx, client, fmt.Sprintf("probe-%d-%d", time.Now().UnixNano(), i))
			switch d, different := known[p.Rule]; {
			case err != nil && !different:
				t.Errorf("LocalStack breaks the rule (%s): %v", p.Source, err)
			case err == nil && different:
				t.Errorf("LocalStack was known to break the rule (%s) and keeps it; take it out of sqsfake.Differences", d.LocalStack)
			case different:
				t.Logf("LocalStack %s: %v", d.LocalStack, err)
			}
		})
	}
}
