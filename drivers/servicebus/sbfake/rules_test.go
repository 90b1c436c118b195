package sbfake_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/drivers/servicebus/internal/namespace"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

func TestServerKeepsTheRules(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range sbfake.Probes() {
		if seen[p.Rule] || p.Source == "" {
			t.Errorf("the rule %q is there twice, or without a source", p.Rule)
		}
		seen[p.Rule] = true
		t.Run(p.Rule, func(t *testing.T) {
			inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
				if err := p.Run(t.Context(), sbfake.Clients{Messages: c.Client, Admin: c.administration()}, "probe"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestNamespaceKeepsTheRules runs the probes on the namespace, or the emulator, of
// SERVICEBUS_CONNECTION_STRING.
func TestNamespaceKeepsTheRules(t *testing.T) {
	messages, manage := namespace.Open(t, nil)
	for _, p := range sbfake.Probes() {
		t.Run(p.Rule, func(t *testing.T) {
			t.Parallel()
			if err := p.Run(t.Context(), sbfake.Clients{Messages: messages, Admin: manage}, "probe-"+strings.ToLower(rand.Text()[:10])); err != nil {
				t.Error(err)
			}
		})
	}
}
