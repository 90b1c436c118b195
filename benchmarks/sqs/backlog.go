package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// defaultHold is that of a new queue at Amazon SQS.
const defaultHold = 30 * time.Second

// paces are how long a task takes, one after the other. From a quick one to a slow
// one a worker has the most leases for what it can do.
var paces = []time.Duration{time.Millisecond, 100 * time.Millisecond, 10 * time.Millisecond, time.Second}

type backlogOptions struct {
	length, pace time.Duration // pace is how long each of paces lasts
	times        int64         // the slots: how many tasks are ready
	out          io.Writer
}

// numbered is a task that says which it is.
type numbered struct {
	N int64 `json:"n"`
}

// Kind is the task's kind at Longshore.
func (numbered) Kind() string { return "numbered" }

// watch is a queue that knows which tasks are leased and not started. It is safe
// for concurrent use.
type watch struct {
	driver.Queue
	received, again atomic.Int64 // again are deliveries after the first
	mu              sync.Mutex
	waiting         map[int64]time.Time // guarded by mu; when the broker answered
	waits           []time.Duration     // guarded by mu; of those that started
}

func (w *watch) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := w.Queue.Receive(ctx, opts)
	w.received.Add(int64(len(leases)))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range leases {
		if l.Attempt() > 1 {
			w.again.Add(1)
		}
		var e struct{ Data numbered }
		m := l.Message()
		if err := json.Unmarshal(m.Body, &e); err != nil {
			return nil, err
		}
		w.waiting[e.Data.N] = l.Received()
	}
	return leases, err
}

// started says that the handler of a task begins.
func (w *watch) started(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, time.Since(w.waiting[n]))
	delete(w.waiting, n)
}

// all are how long tasks were leased and not started, in order, those included
// that still are.
func (w *watch) all() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Clone(w.waits)
	for _, at := range w.waiting {
		all = append(all, time.Since(at))
	}
	slices.Sort(all)
	return all
}

// watchBacklog keeps a worker under a backlog and looks at how long tasks are
// leased before they start. The error says which limit is missed.
func watchBacklog(ctx context.Context, o backlogOptions) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	server, err := startServer(ctx, "fake")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	q, err := openFake(ctx, server, defaultHold)
	if err != nil {
		return err
	}
	queue := &watch{Queue: q, waiting: make(map[int64]time.Time)}
	began := time.Now()
	var lost, done atomic.Int64
	w, err := load.Start(ctx, queue, runtime.WorkerOptions{Concurrency: slots, Grace: grace, OnSettled: func(s runtime.Settled) {
		done.Add(1)
		if driver.Is(errors.Join(s.Err, s.Decision.Err), driver.LeaseLost) || errors.Is(s.Err, runtime.ErrLeaseLost) {
			lost.Add(1)
		}
	}}, func(ctx context.Context, t *runtime.Task[numbered]) error {
		queue.started(t.Args.N)
		load.Pause(ctx, paces[int(time.Since(began)/o.pace)%len(paces)])
		return nil
	}, cancel)
	if err != nil {
		return err
	}
	f := load.StartFeed(ctx, w.Client, feeders, o.times*slots, queue.received.Load, func(n int64) numbered { return numbered{n} }, cancel)
	load.Pause(ctx, o.length)
	waits, failure := queue.all(), context.Cause(ctx)
	f.End()
	err = w.End()
	if failure != nil {
		return errors.Join(failure, err)
	}
	return errors.Join(err, reportBacklog(o, waits, done.Load(), lost.Load(), queue.again.Load()))
}

func reportBacklog(o backlogOptions, waits []time.Duration, done, lost, again int64) error {
	if len(waits) == 0 {
		return errors.New("no task came")
	}
	at := func(part float64) time.Duration {
		return waits[int(part*float64(len(waits)-1))].Round(time.Microsecond)
	}
	longest := waits[len(waits)-1]
	fmt.Fprintf(o.out, "%d slots, %d tasks ready, handlers of %v in turn, %v each, for %v: %d done\n",
		slots, o.times*slots, paces, o.pace, o.length, done)
	fmt.Fprintf(o.out, "leased and not started: median %v, 99 %% %v, longest %v, of a hold of %v\n", at(0.5), at(0.99), longest.Round(time.Millisecond), defaultHold)
	fmt.Fprintf(o.out, "leases lost: %d, second deliveries: %d\n", lost, again)
	var missed []error
	if longest > defaultHold/3 {
		missed = append(missed, fmt.Errorf("a task was leased and not started for %v, longer than %v", longest, defaultHold/3))
	}
	if lost+again > 0 {
		missed = append(missed, fmt.Errorf("%d leases were lost, and %d tasks were delivered again", lost, again))
	}
	return errors.Join(missed...)
}
