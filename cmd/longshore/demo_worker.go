package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// demoWorker is a worker of the story, with a way to the queue of its own.
type demoWorker struct {
	name   string
	doomed bool // it will be cut off

	queue *faultqueue.Queue
	cut   chan struct{} // closed when the worker is cut off
	stop  context.CancelFunc
	ended chan struct{} // closed when its Run has returned
	err   error         // of Run; written before ended is closed
}

// start starts a worker.
func (s *story) start(ctx context.Context, name string, concurrency int, doomed bool) (*demoWorker, error) {
	w := &demoWorker{name: name, doomed: doomed, cut: make(chan struct{}), ended: make(chan struct{})}
	w.queue = faultqueue.New(s.queue, faultqueue.Rule{
		Op:    faultqueue.Extend,
		Match: func(c *faultqueue.Call) bool { return !c.Dead },
		Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) { s.ledger.extended(c.Extended) }),
	})
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: demoQueue, Driver: w.queue, Retry: &demoRetries}); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: quiet})
	for _, kind := range demoKinds() {
		mux.HandleRaw(kind, func(ctx context.Context, t *runtime.Info) error {
			s.began(w, t)
			return s.handle(ctx, w, t)
		})
	}
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: concurrency, Grace: time.Second, SettleTimeout: time.Second, Logger: quiet,
		OnSettled: func(settled runtime.Settled) { s.settled(w, &settled) },
	})
	if err != nil {
		return nil, err
	}
	ctx, w.stop = context.WithCancel(ctx)
	go func() { // waited for by story.stopAll
		defer close(w.ended)
		w.err = worker.Run(ctx)
	}()
	s.workers = append(s.workers, w)
	return w, nil
}

// kill cuts the worker off: its calls fail and its goroutines end, as far as the
// queue can tell as when its machine has lost power.
func (w *demoWorker) kill() {
	w.queue.Kill()
	close(w.cut)
	w.stop()
}

// stopAll ends all workers and says what went wrong with those that were not cut
// off.
func (s *story) stopAll() (failures []error) {
	for _, w := range s.workers {
		w.stop()
	}
	for _, w := range s.workers {
		<-w.ended
		if w.err != nil && !w.queue.Killed() && !driver.Is(w.err, driver.Canceled) {
			failures = append(failures, w.err)
		}
	}
	return failures
}

// demoKinds are the kinds of all tasks.
func demoKinds() (kinds []string) {
	known := make(map[string]bool)
	for _, t := range demoTasks() {
		if !known[t.kind] {
			kinds = append(kinds, t.kind)
		}
		known[t.kind] = true
	}
	return kinds
}
