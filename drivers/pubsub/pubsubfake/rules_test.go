package pubsubfake_test

import (
	"testing"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestServerKeepsTheRules(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range pubsubfake.Probes() {
		if seen[p.Rule] || p.Source == "" {
			t.Errorf("the rule %q is there twice, or without a source", p.Rule)
		}
		seen[p.Rule] = true
		t.Run(p.Rule, func(t *testing.T) {
			bubble(t, func(e *env) {
				clients := pubsubfake.Clients{Topics: e.topics, Subscriptions: e.subs}
				if err := p.Run(e.Context(), clients, "test", "probe"); err != nil {
					e.Error(err)
				}
			})
		})
	}
}

func TestDifferencesNameRules(t *testing.T) {
	rules := map[string]bool{}
	for _, p := range pubsubfake.Probes() {
		rules[p.Rule] = true
	}
	for _, d := range pubsubfake.Differences() {
		if !rules[d.Rule] {
			t.Errorf("no probe has the rule %q, or it is there twice", d.Rule)
		}
		delete(rules, d.Rule)
		if d.Emulator == "" || d.Service == "" || d.Source == "" {
			t.Errorf("the difference %q is not complete", d.Rule)
		}
	}
}
