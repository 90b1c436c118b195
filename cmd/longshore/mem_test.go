package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// memQueue is a queue in memory that commands in this process find by its URL.
type memQueue struct {
	driver.Queue
	url string
}

// newMemQueue opens a queue under the name of the test; parameters are those of
// its URL.
func newMemQueue(t *testing.T, parameters string) *memQueue {
	t.Helper()
	return newNamedMemQueue(t, "", parameters)
}

// newNamedMemQueue is newMemQueue for one of several queues of a test.
func newNamedMemQueue(t *testing.T, name, parameters string) *memQueue {
	t.Helper()
	q := &memQueue{url: "mem://" + strings.NewReplacer("/", "-", "_", "-", "#", "-", ",", "-").Replace(t.Name()) + name + parameters}
	var err error
	if q.Queue, err = driver.Default.Open(t.Context(), q.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.WithoutCancel(t.Context())) })
	return q
}

// flags are --queue with the queue's URL.
func (q *memQueue) flags() queueFlags { return queueFlags{names: []string{q.url}} }

// here runs a command line in this process.
func here(t *testing.T, input string, args ...string) ended {
	t.Helper()
	var out, err bytes.Buffer
	code := execute(args, streams{in: strings.NewReader(input), out: &out, err: &err, shared: true})
	return ended{code: code, out: out.String(), err: err.String()}
}

// take leases and acks what is on a queue or dead letter now.
func take(t *testing.T, s driver.Source) (messages []driver.Message) {
	t.Helper()
	for {
		leases, err := s.Receive(t.Context(), driver.ReceiveOptions{Max: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(leases) == 0 {
			return messages
		}
		for _, l := range leases {
			messages = append(messages, l.Message())
			if err := s.Settle(t.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0]; err != nil {
				t.Fatal(err)
			}
		}
	}
}

// ran is a task that a worker of the library did.
type ran struct {
	runtime.Info
	payload, contentType string
}

// doAll does n tasks of a queue with a worker of the library, in order.
func (q *memQueue) doAll(t *testing.T, n int) []ran {
	t.Helper()
	var queues runtime.Queues
	if err := queues.Add(runtime.QueueInfo{Name: "q", Driver: q}); err != nil {
		t.Fatal(err)
	}
	mux := runtime.NewMux(nil)
	done := make(chan ran) // never closed
	mux.HandleAny(func(_ context.Context, i *runtime.Info) error {
		data, contentType := i.Payload()
		done <- ran{*i, string(data), contentType}
		return nil
	})
	w, err := runtime.NewWorker(&queues, mux, &runtime.WorkerOptions{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- w.Run(ctx) }()
	var all []ran
	late := time.After(deadline)
	for len(all) < n {
		select {
		case r := <-done:
			all = append(all, r)
		case <-late:
			t.Fatalf("%d tasks came, want %d", len(all), n)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return all
}
