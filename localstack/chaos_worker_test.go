package localstack_test

import (
	"context"
	"encoding/json"
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
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/runtime"
)

// workerOrder tells a process of this test binary to be a worker, and what for.
type workerOrder struct {
	Number      int
	Endpoint    string
	Queue       string // its URL
	Log         string // the file that all workers write to
	Concurrency int
	Hold        time.Duration
}

// envWorker has the order, in JSON.
const envWorker = "LONGSHORE_CHAOS_WORKER"

// chaosTask takes as long as it says.
type chaosTask struct {
	Pause time.Duration `json:"pause"`
}

func (chaosTask) Kind() string { return "chaos" }

// beWorker runs a worker until SIGTERM, or until the test that started it is gone,
// which closes its standard input.
func beWorker(order string) error {
	var o workerOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return err
	}
	log, err := os.OpenFile(o.Log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	native, err := sqs.New(connect(o.Endpoint), o.Queue, nil)
	if err != nil {
		return err
	}
	w := &chaosWorker{Queue: native, number: o.Number, log: log, ends: make(map[runtime.TaskID]time.Time)}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, w.handle)
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "chaos", Driver: w, Retry: chaosRetry()}); err != nil {
		return err
	}
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: o.Concurrency, Hold: o.Hold, Grace: 20 * time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return worker.Run(ctx)
}

// chaosRetry allows for as many deliveries as the kills can cost.
func chaosRetry() *runtime.RetryPolicy {
	return &runtime.RetryPolicy{MaxAttempts: 5, MaxDeliveries: 20}
}

// chaosWorker writes down each run of its handler and each extension. It sees the
// ends of the leases as the queue that the worker works on.
type chaosWorker struct {
	driver.Queue
	number int
	log    *os.File

	mu   sync.Mutex
	ends map[runtime.TaskID]time.Time // guarded by mu
}

func (w *chaosWorker) handle(ctx context.Context, task *runtime.Task[chaosTask]) error {
	w.mu.Lock()
	end := w.ends[task.ID]
	w.mu.Unlock()
	if err := w.write(entry{Op: "began", Task: task.ID, Attempt: task.Attempt, Lease: end}); err != nil {
		return err
	}
	pause := time.NewTimer(task.Args.Pause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return w.write(entry{Op: "ended", Task: task.ID})
}

// write appends a line, in one call, so that lines of several processes do not
// mix.
func (w *chaosWorker) write(e entry) error {
	e.Worker, e.PID, e.At = w.number, os.Getpid(), time.Now()
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = w.log.Write(append(b, '\n'))
	return err
}

func (w *chaosWorker) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := w.Queue.Receive(ctx, o)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range leases {
		w.ends[conformance.TaskOf(l.Message().Body)] = l.Expires()
	}
	return leases, err
}

func (w *chaosWorker) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
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

var _ driver.Queue = (*chaosWorker)(nil)
