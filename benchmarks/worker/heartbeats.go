package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// mostHeartbeats is the share of a core that the heartbeats may take.
const mostHeartbeats = 0.10

type heartbeatOptions struct {
	handlers int
	hold     time.Duration
	holds    int
	batch    int // how many tasks are sent at a time
	profile  string
	wrap     func(driver.Queue) driver.Queue // a layer around the queue, if any
	out      io.Writer
}

// heartbeats is what was seen of them.
type heartbeats struct {
	usage
	calls, leases int64         // of Extend while the CPU time counted
	longest       time.Duration // between two extends of a lease, in a time after that
	lost          int64         // handlers whose context was cancelled
	again         int64         // deliveries after the first of a task
}

// measureHeartbeats measures the CPU time of a process whose handlers all wait.
// The error says which limit is missed.
func measureHeartbeats(ctx context.Context, o heartbeatOptions) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q, err := mem.New("heartbeats", nil)
	if err != nil {
		return err
	}
	queue := &pulse{Queue: q}
	if o.wrap != nil {
		queue.Queue = o.wrap(q)
	}
	var started, done, lost atomic.Int64
	release := make(chan struct{}) // one for each handler that may return, never closed
	w, err := startWorker(ctx, []driver.Queue{queue}, runtime.WorkerOptions{
		Concurrency: o.handlers, Hold: o.hold,
		OnSettled: func(s runtime.Settled) {
			if err := acked(s); err != nil {
				cancel(err)
			}
			done.Add(1)
		},
	}, func(ctx context.Context, _ *runtime.Task[task]) error {
		started.Add(1)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			lost.Add(1)
			return context.Cause(ctx)
		}
	}, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := enqueue(ctx, w.client, o.handlers, o.batch, &started); err != nil {
		return err
	}
	load.Pause(ctx, 2*o.hold)
	goruntime.GC()
	var h heartbeats
	stop, err := profileTo(o.profile)
	if err != nil {
		return err
	}
	calls, leases := queue.calls.Load(), queue.leases.Load()
	h.usage = measure(func() { load.Pause(ctx, time.Duration(o.holds)*o.hold) })
	h.calls, h.leases = queue.calls.Load()-calls, queue.leases.Load()-leases
	if err := stop(); err != nil {
		return err
	}
	h.longest = queue.between(ctx, 2*o.hold)
	h.lost = lost.Load()
	for n := int64(1); n <= started.Load() && ctx.Err() == nil; n++ {
		select {
		case release <- struct{}{}:
		case <-ctx.Done():
		}
		if n%int64(o.batch) == 0 || n == started.Load() {
			until(ctx, func() bool { return done.Load() >= n })
		}
	}
	if h.again = queue.again.Load(); ctx.Err() != nil && h.lost+h.again == 0 {
		return context.Cause(ctx)
	}
	return reportHeartbeats(o, &h)
}

func reportHeartbeats(o heartbeatOptions, h *heartbeats) error {
	fmt.Fprintf(o.out, "%d handlers wait, hold %v, for %v: %d leases extended in %d calls; at most %v between two extends of one (at most %v)\n",
		o.handlers, o.hold, h.took.Round(time.Millisecond), h.leases, h.calls, h.longest.Round(time.Millisecond), o.hold/2)
	fmt.Fprintf(o.out, "CPU of the whole process: %.1f %% of a core, %v an extend (below %.0f %%)\n",
		100*h.share(), h.cpu/time.Duration(max(1, h.leases)), 100*mostHeartbeats)
	fmt.Fprintf(o.out, "leases lost: %d, second deliveries: %d\n", h.lost, h.again)
	var missed []error
	if least := int64(o.handlers) * int64(o.holds); h.leases < least {
		missed = append(missed, fmt.Errorf("%d extends are fewer than the %d by which each lease has one in a hold", h.leases, least))
	}
	if h.share() >= mostHeartbeats {
		missed = append(missed, fmt.Errorf("the heartbeats take %.1f %% of a core, not below %.0f %%", 100*h.share(), 100*mostHeartbeats))
	}
	if h.longest > o.hold/2 {
		missed = append(missed, fmt.Errorf("a lease was not extended for %v, longer than half of its hold", h.longest.Round(time.Millisecond)))
	}
	if h.lost+h.again > 0 {
		missed = append(missed, fmt.Errorf("%d leases were lost, and %d tasks were delivered again", h.lost, h.again))
	}
	return errors.Join(missed...)
}

// profileTo starts a CPU profile, unless file is empty.
func profileTo(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
