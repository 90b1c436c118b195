//go:build !race

package mem_test

import (
	"context"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// A queued message may take at most 400 bytes of heap beyond its body, as Enqueue
// sends it, at a million of them.
func TestMemoryOfAMessage(t *testing.T) {
	if !*costFigure {
		t.Skip("run by make bench-mem")
	}
	const messages, limit = 1_000_000, 400
	tests := []struct {
		name string
		opts []runtime.EnqueueOption
	}{
		{"without attributes", nil},
		{"with two attributes", []runtime.EnqueueOption{runtime.Attribute("tenant", "blue"), runtime.Attribute("region", "eu-west-1")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := liveHeap()
			f := newFilled(t)
			f.fill(t, messages, tt.opts...)
			beyond := float64(liveHeap()-before-f.bodies) / messages
			t.Logf("mem: a message %s takes %.0f bytes of heap beyond its body of %d on average, at %d messages (at most %d)",
				tt.name, beyond, f.bodies/messages, messages, limit)
			if beyond > limit {
				t.Errorf("mem: a message %s takes %.0f bytes of heap beyond its body, more than %d", tt.name, beyond, limit)
			}
			if s, err := f.Stats(t.Context()); err != nil || s.Ready != messages {
				t.Errorf("the queue has %d messages (%v), not %d", s.Ready, err, messages)
			}
		})
	}
}

// filled is a queue that adds up the bodies which it takes.
type filled struct {
	driver.Queue
	client *runtime.Client
	bodies int64
}

func newFilled(t *testing.T) *filled {
	q, err := mem.New("filled", nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &filled{Queue: q}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "filled", Driver: f}); err != nil {
		t.Fatal(err)
	}
	if f.client, err = runtime.NewClient(queues, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queues.Close(context.WithoutCancel(t.Context())) })
	return f
}

func (f *filled) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	for i := range batch {
		f.bodies += int64(len(batch[i].Body))
	}
	return f.Queue.Send(ctx, batch)
}

// note is a task of 10 to 70 bytes, so that with its envelope it takes about 200.
type note struct {
	Text string `json:"text"`
}

func (note) Kind() string { return "note" }

func (f *filled) fill(t *testing.T, messages int, opts ...runtime.EnqueueOption) {
	text := strings.Repeat("x", 60)
	for i := range messages {
		if _, err := runtime.Enqueue(t.Context(), f.client, note{text[:i%len(text)]}, opts...); err != nil {
			t.Fatal(err)
		}
	}
}

// liveHeap is what is in use after a garbage collection.
func liveHeap() int64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.GC() // what the first left to be swept
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
