package sqs_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// env is a queue with a dead letter on a server of its own, in virtual time.
type env struct {
	*testing.T
	server *sqsfake.Server
	client *awssqs.Client // to do what others do
	queue  *sqs.Queue
}

// on runs a test with a queue of the given name suffix and options.
func on(t *testing.T, suffix string, o *sqs.Options, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := sqsfake.New(nil)
		defer func() { _ = server.Close() }()
		made, err := provision(t.Context(), server, suffix, conformance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q := made.Queue
		if o != nil {
			if q, err = sqs.New(newClient(server), "orders"+suffix, o); err != nil {
				t.Fatal(err)
			}
		}
		var client *awssqs.Client
		if !q.As(&client) {
			t.Fatal("the queue does not show its client")
		}
		test(&env{t, server, client, q})
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// overTCP serves until the test ends, and answers the address.
func overTCP(t *testing.T, server *sqsfake.Server) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
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

// lease leases n messages that are there.
func (e *env) lease(s driver.Source, n int) []driver.Lease {
	e.Helper()
	got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: n, Wait: time.Second})
	if err != nil || len(got) != n {
		e.Fatalf("receive: %d leases, %v; want %d", len(got), err, n)
	}
	return got
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

// code asserts the code of an error.
func (e *env) code(what string, err error, want driver.Code) {
	e.Helper()
	if !driver.Is(err, want) {
		e.Errorf("%s: %v; want %v", what, err, want)
	}
}

// sleep lets virtual time pass.
func (e *env) sleep(d time.Duration) { time.Sleep(d) }

// since is how many requests of an operation were answered since a count.
func (e *env) since(before map[string]int, op string) int {
	return e.server.Requests()[op] - before[op]
}

func body(size, n int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a'
	}
	return append(strconv.AppendInt(b[:0], int64(n), 10), b[1:]...)
}
