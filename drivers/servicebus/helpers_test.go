package servicebus_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// env is a queue on a server of its own, in virtual time.
type env struct {
	*testing.T
	server  *sbfake.Server
	clients servicebus.Clients // to do what others do
	queue   *servicebus.Queue
}

// on runs a test with a queue of the given options, whose hold is 40 s.
func on(t *testing.T, o servicebus.Options, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := sbfake.New(nil)
		defer func() { _ = server.Close() }()
		q, err := provision(t, server, o, conformance.Options{})
		if err != nil {
			t.Fatal(err)
		}
		clients, err := newClients(server)
		if err != nil {
			t.Fatal(err)
		}
		defer clients.Messages.Close(context.WithoutCancel(t.Context()))
		e := &env{t, server, clients, q.Queue}
		defer e.close(q.Queue)
		test(e)
	})
}

// open opens a queue on the server beside the test's own; it is closed at the end.
func (e *env) open(clients servicebus.Clients, name string, o servicebus.Options) *servicebus.Queue {
	e.Helper()
	q, err := servicebus.New(clients, name, &o)
	if err != nil {
		e.Fatal(err)
	}
	return q
}

func (e *env) close(q *servicebus.Queue) {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.Context()), time.Minute)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		e.Errorf("close: %v", err)
	}
}

// send sends messages with the given bodies.
func (e *env) send(bodies ...string) {
	e.Helper()
	batch := make([]driver.Message, len(bodies))
	for i, b := range bodies {
		batch[i].Body = []byte(b)
	}
	for _, r := range e.queue.Send(e.Context(), batch) {
		if r.Err != nil {
			e.Fatal(r.Err)
		}
	}
}

// numbers are n bodies.
func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "body " + strconv.Itoa(i)
	}
	return all
}

// receive leases at most n messages in one call.
func (e *env) receive(s driver.Source, n int, wait time.Duration) []driver.Lease {
	e.Helper()
	got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: n, Wait: wait})
	if err != nil {
		e.Fatal(err)
	}
	return got
}

// lease leases a message.
func (e *env) lease(s driver.Source) driver.Lease {
	e.Helper()
	got := e.receive(s, 1, time.Minute)
	if len(got) != 1 {
		e.Fatal("no message came")
	}
	return got[0]
}

func (e *env) settle(s driver.Source, v driver.Verdict, l driver.Lease) error {
	return s.Settle(e.Context(), []driver.Settlement{{Lease: l, Verdict: v, Reason: "bad"}})[0]
}

func (e *env) ack(s driver.Source, l driver.Lease) {
	e.Helper()
	if err := e.settle(s, driver.Ack, l); err != nil {
		e.Fatal(err)
	}
}

// counts asserts what the queue has.
func (e *env) counts(want sbfake.Counts) {
	e.Helper()
	synctest.Wait()
	if got := e.server.Counts("orders"); got != want {
		e.Errorf("the queue has %+v; want %+v", got, want)
	}
}

// says asserts the code of an error, and a part of its text.
func (e *env) says(what string, err error, code driver.Code, text string) {
	e.Helper()
	switch {
	case err == nil:
		e.Errorf("%s succeeded; want %v with %q", what, code, text)
	case !driver.Is(err, code) || !strings.Contains(err.Error(), text):
		e.Errorf("%s: %v, %q; want %v with %q", what, driver.CodeOf(err), err, code, text)
	}
}
