package servicebus_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

const (
	// Ten divides it, so that what the checks make of it are whole seconds.
	conformanceHold = 40 * time.Second
	// A Receive waits at least 100 ms, and adds to a batch for 5 ms.
	conformanceMargin = 200 * time.Millisecond
	dedupWindow       = 10 * time.Minute
)

// newClients are the real clients on an in-process server.
func newClients(server *sbfake.Server) (servicebus.Clients, error) {
	o := servicebus.ClientOptions()
	o.NewWebSocketConn = server.ClientOptions().NewWebSocketConn
	messages, err := azservicebus.NewClientFromConnectionString(server.ConnectionString(), o)
	if err != nil {
		return servicebus.Clients{}, err
	}
	manage, err := admin.NewClientFromConnectionString(server.ConnectionString(), server.AdminOptions())
	return servicebus.Clients{Messages: messages, Admin: manage}, err
}

// onServer is a queue with the server that it is on.
type onServer struct {
	*servicebus.Queue
	server *sbfake.Server
}

// backend is the profile of a queue on a server in this process.
func backend(profile string, declared servicebus.Options) conformance.Backend {
	return conformance.Backend{
		Profile: profile,
		Virtual: true,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			server := sbfake.New(nil)
			t.Cleanup(func() { _ = server.Close() })
			return provision(t, server, declared, o)
		},
		Can:         conformance.Can{Hold: true, MaxAttempts: true},
		Hold:        conformanceHold,
		Margin:      conformanceMargin,
		DedupWindow: dedupWindow,
		Interrupts: append(conformance.AtomicInterrupts(),
			interrupt("before the request", sbfake.Fault{Cut: true}),
			interrupt("after the send, or before the settle", sbfake.Fault{Op: sbfake.OpSend, Cut: true, AfterEffect: true},
				sbfake.Fault{Op: sbfake.OpSettle, Cut: true}, sbfake.Fault{Op: "update-disposition", Cut: true}),
			interrupt("before the settle", sbfake.Fault{Op: sbfake.OpSettle, Cut: true}, sbfake.Fault{Op: "update-disposition", Cut: true}),
			interrupt("after the settle", sbfake.Fault{Op: sbfake.OpSettle, Cut: true, AfterEffect: true}),
			interrupt("after the settle by token", sbfake.Fault{Op: sbfake.OpSettle, Cut: true}, sbfake.Fault{Op: "update-disposition", Cut: true, AfterEffect: true}),
		),
	}
}

// interrupt has all operations that the faults strike go wrong during the next Settle.
func interrupt(name string, faults ...sbfake.Fault) conformance.Interrupt {
	return conformance.Interrupt{Name: name, Arm: func(q driver.Queue) driver.Queue {
		on := q.(onServer)
		c := cutOff{Queue: on.Queue}
		for _, f := range faults {
			c.disarm = append(c.disarm, on.server.Fault(f))
		}
		return c
	}}
}

// cutOff is a queue whose Settle goes wrong.
type cutOff struct {
	*servicebus.Queue
	disarm []func()
}

func (c cutOff) DeadLetter() driver.DeadLetter { return cutOffDead{c.Queue.DeadLetter(), c} }

func (c cutOff) Settle(ctx context.Context, batch []driver.Settlement) []error {
	defer c.mend()
	return c.Queue.Settle(ctx, batch)
}

func (c cutOff) mend() {
	for _, disarm := range c.disarm {
		disarm()
	}
}

type cutOffDead struct {
	driver.DeadLetter
	queue cutOff
}

func (d cutOffDead) Settle(ctx context.Context, batch []driver.Settlement) []error {
	defer d.queue.mend()
	return d.DeadLetter.Settle(ctx, batch)
}

// provision creates a queue.
func provision(t *testing.T, server *sbfake.Server, declared servicebus.Options, o conformance.Options) (onServer, error) {
	c := sbfake.QueueConfig{LockDuration: o.Hold, MaxDeliveryCount: o.MaxAttempts, Sessions: declared.Sessions}
	if declared.Dedup {
		c.DuplicateDetection = dedupWindow
	}
	if c.LockDuration == 0 {
		c.LockDuration = conformanceHold
	}
	if c.MaxDeliveryCount == 0 {
		c.MaxDeliveryCount = 2000
	}
	if err := server.CreateQueue("orders", c); err != nil {
		return onServer{}, err
	}
	clients, err := newClients(server)
	if err != nil {
		return onServer{}, err
	}
	t.Cleanup(func() { _ = clients.Messages.Close(t.Context()) })
	q, err := servicebus.New(clients, "orders", &declared)
	return onServer{q, server}, err
}

// declared is what every queue can do.
func declared() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	return driver.Capabilities{
		MaxSendBatch: 1000, MaxReceiveBatch: 100, MaxSettleBatch: 1000,
		MaxBody: 256<<10 - 2048, MaxAttributes: 100, MaxAttributeValue: 28 << 10, MinAttempts: 1, MaxAttempts: 2000,
		MinHold: 5 * time.Second, MaxHold: 5 * time.Minute, MaxTotalHold: driver.Unlimited, HoldGrain: time.Second,
		MaxSendDelay: 24 * time.Hour, FixedHold: true, CancelSafe: true,
		ExactAttempts: native, StaleSettleDetected: native, SendDelay: native, AtomicBury: native,
		ReleaseDelay:  driver.Support{Note: "Service Bus gives an abandoned message again at once; send a copy with a delay"},
		Fairness:      driver.Support{Note: "Service Bus knows no tenants"},
		Dedup:         driver.Support{Note: "the queue is not declared to detect duplicates; add dedup=true to the URL"},
		AtomicRedrive: emulated("a copy is sent, then the dead letter is completed; a crash between the two duplicates it"),
		Depth:         emulated("by the administration API, which needs the right Manage, and counts leased messages as ready"),
	}
}

func TestConformancePlain(t *testing.T) {
	conformance.Run(t, backend("servicebus plain", servicebus.Options{}), declared())
}

func TestConformanceDedup(t *testing.T) {
	want := declared()
	want.Dedup = driver.Support{Level: driver.LevelNative}
	conformance.Run(t, backend("servicebus dedup", servicebus.Options{Dedup: true}), want)
}

func TestConformanceSession(t *testing.T) {
	want := declared()
	want.Ordered = true
	conformance.Run(t, backend("servicebus session", servicebus.Options{Sessions: true}), want)
}
