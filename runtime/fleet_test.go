package runtime_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// fleet is several in-memory queues and what a worker does on them.
type fleet struct {
	*testing.T
	queues *runtime.Queues
	mux    *runtime.Mux
	began  time.Time

	mu     sync.Mutex
	starts []started // guarded by mu
	worker *runtime.Worker
}

// started is one call of a handler.
type started struct {
	queue, kind string
	at          time.Duration
}

// other is a second kind of task.
type other struct {
	Name string `json:"name"`
}

func (other) Kind() string { return "other" }

func newFleet(t *testing.T, infos ...runtime.QueueInfo) *fleet {
	t.Helper()
	f := &fleet{T: t, queues: new(runtime.Queues), mux: runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)}), began: time.Now()}
	for _, info := range infos {
		if info.Driver == nil {
			q, err := mem.New(info.Name, nil)
			if err != nil {
				t.Fatal(err)
			}
			info.Driver = q
		}
		if err := f.queues.Add(info); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = f.queues.Close(context.WithoutCancel(t.Context())) })
	return f
}

// record notes that a handler was called.
func (f *fleet) record(info *runtime.Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts = append(f.starts, started{info.Queue, info.Kind, time.Since(f.began)})
}

func (f *fleet) all() []started {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// fill enqueues n tasks.
func (f *fleet) fill(queue string, n int) {
	f.Helper()
	client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: queue})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range runtime.EnqueueMany(f.Context(), client, make([]job, n)) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
	}
}

func (f *fleet) fillOther(queue string, n int) {
	f.Helper()
	client, err := runtime.NewClient(f.queues, &runtime.ClientOptions{DefaultQueue: queue})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range runtime.EnqueueMany(f.Context(), client, make([]other, n)) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
	}
}

// work runs a worker until done says so or the time is over, and drains it.
func (f *fleet) work(o runtime.WorkerOptions, atMost time.Duration, done func([]started) bool) []started {
	f.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	var err error
	if f.worker, err = runtime.NewWorker(f.queues, f.mux, &o); err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	f.began = time.Now()
	go func() { ended <- f.worker.Run(ctx) }()
	for time.Since(f.began) < atMost && !done(f.all()) {
		<-time.After(50 * time.Millisecond)
	}
	starts := f.all()
	stop()
	if err := <-ended; err != nil {
		f.Fatal(err)
	}
	return starts
}

func after(n int) func([]started) bool { return func(s []started) bool { return len(s) >= n } }

func share(starts []started, queue string) (n int) {
	for _, s := range starts {
		if s.queue == queue {
			n++
		}
	}
	return n
}

// slowed is a queue whose calls take a time each.
func slowed(q driver.Queue, latency time.Duration) driver.Queue {
	if latency == 0 {
		return q
	}
	return faultqueue.New(q, faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		<-time.After(latency / 2)
		next(ctx, c)
		<-time.After(latency / 2)
	}})
}

// untilDrain is a handler that takes as long as there is.
func (f *fleet) untilDrain(ctx context.Context, task *runtime.Task[job]) error {
	f.record(task.Info)
	<-ctx.Done()
	return context.Cause(ctx)
}
