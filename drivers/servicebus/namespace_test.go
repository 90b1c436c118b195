package servicebus_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/internal/namespace"
)

// What follows runs on a namespace of Azure, or on Microsoft's emulator: see
// docs/servicebus.md.

const (
	namespaceHold = 10 * time.Second
	// A namespace is some milliseconds away, and its clocks are not ours.
	namespaceMargin = 4 * time.Second
)

// namespaceClients are the clients of the namespace of the connection string.
func namespaceClients(t *testing.T) servicebus.Clients {
	t.Helper()
	messages, manage := namespace.Open(t, servicebus.ClientOptions())
	return servicebus.Clients{Messages: messages, Admin: manage}
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
	clients := namespaceClients(t)
	conformance.Run(t, onNamespace("servicebus plain namespace", clients, servicebus.Options{}), declared())
}

func TestNamespaceDedup(t *testing.T) {
	clients := namespaceClients(t)
	want := declared()
	want.Dedup = driver.Support{Level: driver.LevelNative}
	conformance.Run(t, onNamespace("servicebus dedup namespace", clients, servicebus.Options{Dedup: true}), want)
}

func TestNamespaceSession(t *testing.T) {
	clients := namespaceClients(t)
	want := declared()
	want.Ordered = true
	conformance.Run(t, onNamespace("servicebus session namespace", clients, servicebus.Options{Sessions: true}), want)
}
