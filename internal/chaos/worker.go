//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// order tells a process of the test binary to be a worker, and what for.
type order struct {
	Number      int
	Target      []string
	Log         string // the file that all workers write to
	Concurrency int
	Hold        time.Duration
}

// envOrder has the order, in JSON.
const envOrder = "LONGSHORE_CHAOS_WORKER"

// queueName is what workers call their queue.
const queueName = "chaos"

// task takes as long as it says.
type task struct {
	Pause time.Duration `json:"pause"`
}

// Kind is the task's kind.
func (task) Kind() string { return "chaos" }

// Worker runs a worker if this process was started to be one, and answers its exit
// code and whether it was. The worker ends by SIGTERM, or when the test that
// started it is gone, which closes its standard input. Open opens the queue of a
// [Queue.Target].
func Worker(open func(target []string) (driver.Queue, error)) (code int, is bool) {
	said := os.Getenv(envOrder)
	if said == "" {
		return 0, false
	}
	if err := work(said, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// errAlone ends a worker whose test is gone.
var errAlone = errors.New("the test that started this worker is gone")

func work(said string, open func(target []string) (driver.Queue, error)) error {
	var o order
	if err := json.Unmarshal([]byte(said), &o); err != nil {
		return err
	}
	log, err := os.OpenFile(o.Log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	native, err := open(o.Target)
	if err != nil {
		return err
	}
	w := &observed{Queue: native, number: o.Number, log: log, ends: make(map[runtime.TaskID]time.Time)}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, w.handle)
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: queueName, Driver: w, Retry: retry()}); err != nil {
		return err
	}
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: o.Concurrency, Hold: o.Hold, Grace: 20 * time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 2) // one of the worker, one of the test; never closed
	go func() { ended <- worker.Run(ctx) }()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended <- errAlone
	}()
	return <-ended
}

// retry allows for as many deliveries as the kills can cost.
func retry() *runtime.RetryPolicy {
	return &runtime.RetryPolicy{MaxAttempts: 5, MaxDeliveries: 20}
}

// observed is the queue that a worker works on. It sees the ends of the leases, and
// writes down each run of the handler and each extension. It is safe for concurrent
// use.
type observed struct {
	driver.Queue
	number int
	log    *os.File

	mu   sync.Mutex
	ends map[runtime.TaskID]time.Time // guarded by mu
}

func (w *observed) handle(ctx context.Context, t *runtime.Task[task]) error {
	w.mu.Lock()
	end := w.ends[t.ID]
	w.mu.Unlock()
	if err := w.write(entry{Op: "began", Task: t.ID, Attempt: t.Attempt, Lease: end}); err != nil {
		return err
	}
	pause := time.NewTimer(t.Args.Pause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return w.write(entry{Op: "ended", Task: t.ID})
}

// write appends a line, in one call, so that lines of several processes do not
// mix.
func (w *observed) write(e entry) error {
	e.Worker, e.PID, e.At = w.number, os.Getpid(), time.Now()
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = w.log.Write(append(b, '\n'))
	return err
}

// Receive notes the ends of the leases.
func (w *observed) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := w.Queue.Receive(ctx, o)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range leases {
		w.ends[conformance.TaskOf(l.Message().Body)] = l.Expires()
	}
	return leases, err
}

// Extend notes the new ends of the leases.
func (w *observed) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	results := w.Queue.Extend(ctx, leases, hold)
	for i, r := range results {
		if r.Err != nil {
			continue
		}
		id := conformance.TaskOf(leases[i].Message().Body)
		w.mu.Lock()
		w.ends[id] = r.Expires
		w.mu.Unlock()
		if err := w.write(entry{Op: "extended", Task: id, Lease: r.Expires}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return results
}

var _ driver.Queue = (*observed)(nil)
