package servicebus_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
)

// What follows runs on a namespace of Azure, or on Microsoft's emulator: see
// docs/servicebus.md.

const (
	namespaceHold = 10 * time.Second
	// A namespace is some milliseconds away, and its clocks are not ours.
	namespaceMargin = 4 * time.Second
)

// namespace is the clients of the namespace of the connection string. Without
// SERVICEBUS_NAMESPACE_REQUIRE the test is not run.
func namespace(t *testing.T) servicebus.Clients {
	t.Helper()
	if os.Getenv("SERVICEBUS_NAMESPACE_REQUIRE") == "" {
		t.Skip("make conformance-servicebus runs it, on the namespace of SERVICEBUS_CONNECTION_STRING")
	}
	text := os.Getenv("SERVICEBUS_CONNECTION_STRING")
	messages, err := azservicebus.NewClientFromConnectionString(text, servicebus.ClientOptions())
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
	return servicebus.Clients{Messages: messages, Admin: manage}
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

// onNamespace is the profile of a queue on a namespace.
func onNamespace(profile string, clients servicebus.Clients, declared servicebus.Options) conformance.Backend {
	return conformance.Backend{
		Profile: profile,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			return provisionOn(t, clients, declared, o)
		},
		Can:  conformance.Can{Hold: true, MaxAttempts: true},
		Hold: namespaceHold, Margin: namespaceMargin, DedupWindow: 20 * time.Second,
		Interrupts: conformance.AtomicInterrupts(),
	}
}

// provisionOn creates a queue, which is deleted at the end of the test.
func provisionOn(t *testing.T, clients servicebus.Clients, declared servicebus.Options, o conformance.Options) (driver.Queue, error) {
	hold, attempts := o.Hold, int32(o.MaxAttempts)
	if hold == 0 {
		hold = namespaceHold
	}
	if attempts == 0 {
		attempts = 2000
	}
	lock := "PT" + strings.ToUpper(hold.String())
	p := &admin.QueueProperties{LockDuration: &lock, MaxDeliveryCount: &attempts, RequiresSession: &declared.Sessions, RequiresDuplicateDetection: &declared.Dedup}
	if declared.Dedup {
		window := "PT20S"
		p.DuplicateDetectionHistoryTimeWindow = &window
	}
	name := "longshore-" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if _, err := clients.Admin.CreateQueue(ctx, name, &admin.CreateQueueOptions{Properties: p}); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if _, err := clients.Admin.DeleteQueue(ctx, name, nil); err != nil {
			t.Errorf("delete queue %q: %v", name, err)
		}
	})
	return servicebus.New(clients, name, &declared)
}

func TestNamespacePlain(t *testing.T) {
	clients := namespace(t)
	conformance.Run(t, onNamespace("servicebus plain namespace", clients, servicebus.Options{}), declared())
}

func TestNamespaceDedup(t *testing.T) {
	clients := namespace(t)
	want := declared()
	want.Dedup = driver.Support{Level: driver.LevelNative}
	conformance.Run(t, onNamespace("servicebus dedup namespace", clients, servicebus.Options{Dedup: true}), want)
}

func TestNamespaceSession(t *testing.T) {
	clients := namespace(t)
	want := declared()
	want.Ordered = true
	conformance.Run(t, onNamespace("servicebus session namespace", clients, servicebus.Options{Sessions: true}), want)
}
