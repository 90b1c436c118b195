// Package namespace gives tests the namespace of Azure Service Bus, or Microsoft's
// emulator, that the environment names.
package namespace

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
)

// Open gives the clients of SERVICEBUS_CONNECTION_STRING, which are closed at the end of
// the test. Without SERVICEBUS_NAMESPACE_REQUIRE the test is skipped; with it, a
// connection string that does not do fails it.
func Open(t *testing.T, opts *azservicebus.ClientOptions) (*azservicebus.Client, *admin.Client) {
	t.Helper()
	if os.Getenv("SERVICEBUS_NAMESPACE_REQUIRE") == "" {
		t.Skip("make conformance-servicebus runs it, on the namespace of SERVICEBUS_CONNECTION_STRING")
	}
	text := os.Getenv("SERVICEBUS_CONNECTION_STRING")
	messages, err := azservicebus.NewClientFromConnectionString(text, opts)
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
	return messages, manage
}

// emulated sends requests to the emulator's administration API, which speaks plain HTTP
// on port 5300. Source: Azure Service Bus, "Test locally by using the Azure Service Bus
// emulator".
type emulated struct{}

func (emulated) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = "http", net.JoinHostPort(r.URL.Hostname(), "5300")
	r.Host = r.URL.Host
	return http.DefaultClient.Do(r)
}
