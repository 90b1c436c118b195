package sbfake_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

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

// emulated sends requests to the administration of Microsoft's emulator, which speaks
// plain HTTP on port 5300.
type emulated struct{}

func (emulated) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = "http", net.JoinHostPort(r.URL.Hostname(), "5300")
	r.Host = r.URL.Host
	return http.DefaultClient.Do(r)
}

// TestNamespaceKeepsTheRules runs the probes on the namespace, or the emulator, of
// SERVICEBUS_CONNECTION_STRING.
func TestNamespaceKeepsTheRules(t *testing.T) {
	if os.Getenv("SERVICEBUS_NAMESPACE_REQUIRE") == "" {
		t.Skip("make conformance-servicebus runs it, on the namespace of SERVICEBUS_CONNECTION_STRING")
	}
	text := os.Getenv("SERVICEBUS_CONNECTION_STRING")
	messages, err := azservicebus.NewClientFromConnectionString(text, nil)
	if err != nil {
		t.Fatalf("SERVICEBUS_CONNECTION_STRING: %v", err)
	}
	t.Cleanup(func() { _ = messages.Close(context.WithoutCancel(t.Context())) })
	o := new(admin.ClientOptions)
	if strings.Contains(strings.ToLower(text), "usedevelopmentemulator=true") {
		o.Transport = emulated{}
	}
	manage, err := admin.NewClientFromConnectionString(text, o)
	if err != nil {
		t.Fatalf("SERVICEBUS_CONNECTION_STRING: %v", err)
	}
	for _, p := range sbfake.Probes() {
		t.Run(p.Rule, func(t *testing.T) {
			t.Parallel()
			if err := p.Run(t.Context(), sbfake.Clients{Messages: messages, Admin: manage}, "probe-"+strings.ToLower(rand.Text()[:10])); err != nil {
				t.Error(err)
			}
		})
	}
}
