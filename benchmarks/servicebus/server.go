package main

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/server"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

const (
	// hold is the lock duration of all queues, maxDeliveries their maximum delivery
	// count.
	hold          = 30 * time.Second
	maxDeliveries = 20
	// connectionVariable is by which the driver finds the server.
	connectionVariable = "SERVICEBUS_CONNECTION_STRING"
)

// What a server counts.
const (
	opDeliver  = "deliver"  // messages to a receiver
	opSettle   = "settle"   // dispositions of the client, but for releases
	opRelease  = "release"  // of what came between two receives, by the client library
	opRenew    = "renew"    // of locks
	opSessions = "sessions" // of AMQP, begun
	opLinks    = "links"    // attached
	opFrames   = "frames"   // from and to the client
)

// broker is a server with a client of its own.
type broker struct {
	server *sbfake.Server
	client *azservicebus.Client
}

// serve is the process of a server: it obeys the commands on in, and ends with it.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	s := sbfake.New(nil)
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), s.ClientOptions())
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- s.Serve(l) }()
	err = server.Serve(ctx, &broker{s, client}, s.ConnectionStringFor(l.Addr().String()), in, out)
	err = errors.Join(err, client.Close(context.WithoutCancel(ctx)), s.Close())
	if served := <-ended; !errors.Is(served, sbfake.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// environment is by which a process finds the server; the address of one is a
// connection string.
func environment(address string) string { return connectionVariable + "=" + address }

// Make makes a queue with its dead letter, and sends tasks.
func (b *broker) Make(ctx context.Context, name string, tasks int) error {
	if err := b.server.CreateQueue(name, sbfake.QueueConfig{LockDuration: hold, MaxDeliveryCount: maxDeliveries}); err != nil {
		return err
	}
	q, err := servicebus.New(servicebus.Clients{Messages: b.client}, name, nil)
	if err != nil {
		return err
	}
	return load.Fill(ctx, q, tasks)
}

// Drop deletes a queue with all that it has.
func (b *broker) Drop(_ context.Context, name string) error {
	b.server.DeleteQueue(name)
	return nil
}

// Look is the traffic so far, and what is left on a queue.
func (b *broker) Look(queue string) server.State {
	t := b.server.Traffic()
	return server.State{
		Requests: map[string]int{
			opDeliver: t.Deliveries,
			opSettle:  t.Dispositions["accepted"] + t.Dispositions["modified"] + t.Dispositions["rejected"],
			opRelease: t.Dispositions["released"],
			opRenew:   t.Requests["renew-lock"], opSessions: t.Sessions, opLinks: t.Links, opFrames: t.FramesIn + t.FramesOut,
		},
		Left: b.server.Counts(queue).Total(),
	}
}

var _ server.Broker = (*broker)(nil)
