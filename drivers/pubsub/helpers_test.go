package pubsub_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const (
	topic            = "projects/test/topics/orders"
	subscription     = "projects/test/subscriptions/orders"
	deadTopic        = "projects/test/topics/orders-dead"
	deadSubscription = "projects/test/subscriptions/orders-dead"
)

// env is a queue with a dead letter on a server of its own, in virtual time.
type env struct {
	*testing.T
	server  *pubsubfake.Server
	clients pubsub.Clients // to do what others do
	queue   *pubsub.Queue
}

// on runs a test with a queue of the given options on a server of the given ones.
func on(t *testing.T, server *pubsubfake.Options, o pubsub.Options, test func(e *env)) {
	t.Helper()
	with(t, server, conformance.Options{}, o, test)
}

func with(t *testing.T, so *pubsubfake.Options, co conformance.Options, o pubsub.Options, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := pubsubfake.New(so)
		defer func() { _ = server.Close() }()
		plain := pubsub.Options{Ordered: o.Ordered, ExactlyOnce: o.ExactlyOnce}
		if _, err := provision(t.Context(), server, plain, co); err != nil {
			t.Fatal(err)
		}
		clients, err := newClients(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		q, err := pubsub.New(clients, "test", "orders", &o)
		if err != nil {
			t.Fatal(err)
		}
		test(&env{t, server, clients, q})
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// through is the queue through clients whose requests, and on the way back answers, go
// through f; an error of it is the answer.
func (e *env) through(o pubsub.Options, f func(message any) error) *pubsub.Queue {
	e.Helper()
	pipe := bufconn.Listen(256 << 10)
	go func() { _ = e.server.Serve(pipe) }() // ends with the server
	conn, err := grpc.NewClient("passthrough:pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if err := f(in); err != nil {
				return err
			}
			if err := invoke(ctx, method, in, out, conn, opts...); err != nil {
				return err
			}
			return f(out)
		}))
	e.must(err)
	e.Cleanup(func() { _ = conn.Close() })
	var c pubsub.Clients
	c.Topics, err = apiv1.NewTopicAdminClient(e.Context(), option.WithGRPCConn(conn))
	e.must(err)
	c.Subscriptions, err = apiv1.NewSubscriptionAdminClient(e.Context(), option.WithGRPCConn(conn))
	e.must(err)
	q, err := pubsub.New(c, "test", "orders", &o)
	e.must(err)
	return q
}

// message makes a message with a body of its own.
func message(n int) driver.Message { return driver.Message{Body: []byte("message " + strconv.Itoa(n))} }

func messages(n int) []driver.Message {
	all := make([]driver.Message, n)
	for i := range all {
		all[i] = message(i)
	}
	return all
}

// send sends messages, which must all be taken.
func (e *env) send(batch ...driver.Message) {
	e.Helper()
	for i, r := range e.queue.Send(e.Context(), batch) {
		if r.Err != nil {
			e.Fatalf("send item %d: %v", i, r.Err)
		}
	}
}

// publish sends as another producer does.
func (e *env) publish(m *pubsubpb.PubsubMessage) {
	e.Helper()
	_, err := e.clients.Topics.Publish(e.Context(), &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{m}})
	e.must(err)
}

// lease leases n messages that are there.
func (e *env) lease(s driver.Source, n int) []driver.Lease {
	e.Helper()
	var all []driver.Lease
	for len(all) < n {
		got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: min(n-len(all), 100), Wait: time.Second})
		if err != nil || len(got) == 0 {
			e.Fatalf("receive: %d leases in all, %v; want %d", len(all)+len(got), err, n)
		}
		all = append(all, got...)
	}
	return all
}

// none asserts that there is nothing to lease.
func (e *env) none(what string, s driver.Source) {
	e.Helper()
	if got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: 10}); err != nil || len(got) > 0 {
		e.Fatalf("%s: %d leases, %v; want none", what, len(got), err)
	}
}

// settle settles one lease.
func (e *env) settle(s driver.Source, v driver.Settlement) error {
	return s.Settle(e.Context(), []driver.Settlement{v})[0]
}

// must fails the test for an error.
func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// code asserts the code of an error, and what it says.
func (e *env) code(what string, err error, want driver.Code, says ...string) {
	e.Helper()
	if !driver.Is(err, want) {
		e.Errorf("%s: %v; want %v", what, err, want)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			e.Errorf("%s: %v; want it to say %q", what, err, s)
		}
	}
}

// change changes a subscription behind the queue's back.
func (e *env) change(name string, f func(s *pubsubpb.Subscription), paths ...string) {
	e.Helper()
	s := &pubsubpb.Subscription{Name: name}
	f(s)
	_, err := e.clients.Subscriptions.UpdateSubscription(e.Context(), &pubsubpb.UpdateSubscriptionRequest{
		Subscription: s, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
	})
	e.must(err)
}

// remake makes a subscription anew.
func (e *env) remake(s *pubsubpb.Subscription) {
	e.Helper()
	e.must(e.clients.Subscriptions.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: s.GetName()}))
	_, err := e.clients.Subscriptions.CreateSubscription(e.Context(), s)
	e.must(err)
}

// sleep lets virtual time pass.
func (e *env) sleep(d time.Duration) { time.Sleep(d) }

// since is how many requests of an operation were answered since a count.
func (e *env) since(before map[string]int, op string) int {
	return e.server.Requests()[op] - before[op]
}
