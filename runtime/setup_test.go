package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// job is the task of these tests.
type job struct {
	Name string `json:"name"`
}

func (job) Kind() string { return "job" }

// bench is one queue with what works on it.
type bench struct {
	*testing.T
	queue  driver.Queue
	queues *runtime.Queues
	client *runtime.Client
	mux    *runtime.Mux
	log    *syncBuffer
}

// newBench opens an in-memory queue called "jobs"; wrap may put a layer around
// it.
func newBench(t *testing.T, o *mem.Options, retry runtime.RetryPolicy, wrap func(driver.Queue) driver.Queue) *bench {
	t.Helper()
	q, err := mem.New("jobs", o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, queue: q, queues: new(runtime.Queues), mux: runtime.NewMux(nil), log: new(syncBuffer)}
	if wrap != nil {
		b.queue = wrap(q)
	}
	if err := b.queues.Add(runtime.QueueInfo{Name: "jobs", Driver: b.queue, Retry: &retry}); err != nil {
		t.Fatal(err)
	}
	if b.client, err = runtime.NewClient(b.queues, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.queues.Close(context.WithoutCancel(t.Context())) })
	return b
}

func (b *bench) handle(h func(ctx context.Context, t *runtime.Task[job]) error, opts ...runtime.HandleOption) {
	runtime.Handle(b.mux, h, opts...)
}

func (b *bench) enqueue(name string, opts ...runtime.EnqueueOption) runtime.TaskID {
	b.Helper()
	id, err := runtime.Enqueue(b.Context(), b.client, job{name}, opts...)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// start runs a worker until stop is called, which returns Run's error.
func (b *bench) start(o runtime.WorkerOptions) (stop func() error) {
	b.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(b.log, nil))
	}
	w, err := runtime.NewWorker(b.queues, b.mux, &o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// dead takes one message from the dead letter.
func (b *bench) dead() driver.Message {
	b.Helper()
	leases, err := b.queue.DeadLetter().Receive(b.Context(), driver.ReceiveOptions{Max: 10})
	if err != nil || len(leases) != 1 {
		b.Fatalf("dead letter has %d messages (%v), want 1; log:\n%s", len(leases), err, b.log)
	}
	return leases[0].Message()
}

// stats checks how many messages are ready, leased or hidden, and dead.
func (b *bench) stats(ready, leased, dead int64) {
	b.Helper()
	s, err := b.queue.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if s.Ready+s.Delayed != ready || s.Leased != leased || s.Dead != dead {
		b.Errorf("queue has %d ready, %d leased, %d dead; want %d, %d, %d; log:\n%s",
			s.Ready+s.Delayed, s.Leased, s.Dead, ready, leased, dead, b.log)
	}
}

// syncBuffer is a buffer for concurrent use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// runs records when a handler was called.
type runs struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration // guarded by mu
}

func newRuns() *runs { return &runs{start: time.Now()} }

func (r *runs) add() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.start))
	return len(r.at)
}

func (r *runs) all() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

var errBoom = errors.New("boom")

func goexit() { goruntime.Goexit() }
