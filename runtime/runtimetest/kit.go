package runtimetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// DefaultQueue is the name of a kit's queue when its options name none.
const DefaultQueue = "test"

// defaultMaxDeliveries is how many deliveries a Drain makes unless the options
// say.
const defaultMaxDeliveries = 10_000

// Options configure a Kit. The zero value of each field is its default.
type Options struct {
	// Queues are the names of the queues; by default one called [DefaultQueue].
	// With several the client needs a route for each kind, or a default queue.
	Queues []string
	// Mem configures each of the queues.
	Mem mem.Options
	// Retry is the policy for kinds that have none of their own.
	Retry runtime.RetryPolicy
	// Client configures the client.
	Client runtime.ClientOptions
	// MaxDeliveries is after how many deliveries [Kit.Drain], or the handlers of
	// [Kit.Inline], fail the test, unless no task is left: 1 or more, default 10,000.
	// It is for tasks that have no end, such as one that always enqueues the next.
	MaxDeliveries int
}

// Kit is queues in memory with a client on them. It remembers what was enqueued
// and each attempt. It is safe for concurrent use. Whoever uses time in a
// testing/synctest bubble makes the kit in it.
type Kit struct {
	client        *runtime.Client
	queues        *runtime.Queues
	codec         runtime.Codec
	maxDeliveries int
	inline        atomic.Pointer[inline] // nil: leave tasks to a worker

	mu       sync.Mutex
	sent     []*sent   // guarded by mu; what was enqueued, in order
	attempts []Attempt // guarded by mu; in the order in which they ended
}

// New makes a Kit that is closed when the test ends; nil options are the
// defaults. Options that are out of range fail the test.
func New(tb testing.TB, opts *Options) *Kit {
	tb.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	k := &Kit{queues: new(runtime.Queues), codec: o.Client.Codec, maxDeliveries: o.MaxDeliveries}
	if k.codec == nil {
		k.codec = runtime.JSON
	}
	switch {
	case k.maxDeliveries == 0:
		k.maxDeliveries = defaultMaxDeliveries
	case k.maxDeliveries < 0:
		tb.Fatalf("runtimetest: new kit: %d deliveries; use 1 or more, or 0 for %d", k.maxDeliveries, defaultMaxDeliveries)
	}
	names := o.Queues
	if len(names) == 0 {
		names = []string{DefaultQueue}
	}
	tb.Cleanup(func() { _ = k.queues.Close(context.Background()) })
	for _, name := range names {
		q, err := mem.New(name, &o.Mem)
		if err == nil {
			err = k.queues.Add(runtime.QueueInfo{Name: name, Driver: &queue{Queue: q, kit: k, name: name}, Retry: &o.Retry})
		}
		if err != nil {
			tb.Fatalf("runtimetest: new kit: %v", err)
		}
	}
	var err error
	if k.client, err = runtime.NewClient(k.queues, &o.Client); err != nil {
		tb.Fatalf("runtimetest: new kit: %v", err)
	}
	return k
}

// Client is for the code under test to enqueue with.
func (k *Kit) Client() *runtime.Client { return k.client }

// Queues are the kit's queues, for a worker of the test's own or a redrive.
func (k *Kit) Queues() *runtime.Queues { return k.queues }

// named are the queues with these names, or all without any.
func (k *Kit) named(names []string) []*runtime.QueueInfo {
	all := k.queues.All()
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(q *runtime.QueueInfo) bool { return !slices.Contains(names, q.Name) })
}

// info is one of the queues.
func (k *Kit) info(name string) *runtime.QueueInfo {
	all := k.queues.All()
	return all[slices.IndexFunc(all, func(q *runtime.QueueInfo) bool { return q.Name == name })]
}
