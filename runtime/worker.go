package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// Worker leases messages from queues, runs their handlers and settles them.
//
// Its goroutines, each in a file of its name: pollers receive, runners call
// handlers, one keeper a queue extends leases, settlers settle. Run owns them
// all.
type Worker struct {
	mux     *Mux
	options WorkerOptions
	lanes   []*lane
	ran     atomic.Bool

	schedule *schedule
	runners  sync.WaitGroup
	alone    alone
	life     *lifetime
	state    atomic.Pointer[State] // nil until Run
	roomless atomic.Int64          // leases that wait without a part of room
	draining atomic.Bool
	pending  atomic.Int64  // decided and not settled
	idle     chan struct{} // capacity 1, never closed; says that pending was 0
}

// WorkerOptions configure a Worker. The zero value of each field is its default.
type WorkerOptions struct {
	// Queues are the names of the queues to work on; by default all.
	Queues []string
	// Concurrency is how many handlers run at the same time: 1 to 100,000,
	// default 10.
	Concurrency int
	// Strict works the queues off in the order of their weights: no task of a queue
	// is started while one of a queue with a larger weight waits and could start, as
	// far as the broker tells. A queue that is paused or at its own limit holds up no
	// other. Queues of equal weight share evenly. By default each queue gets a share
	// after its weight, and none starves.
	Strict bool
	// Hold is how long a lease runs before it has to be extended, within the
	// queue's MinHold to MaxHold; by default the queue's own hold. A short one
	// brings a crashed worker's tasks back sooner, a long one costs fewer
	// requests.
	Hold time.Duration
	// Grace is how long Run goes on after its context has ended: 1 s to 24 h,
	// default 30 s. Handlers still running shortly before its end (3 s, or half
	// of a short grace) have their contexts cancelled with ErrDraining.
	Grace time.Duration
	// SettleTimeout is how long a settle that fails is tried again, while the
	// lease is kept: above 0, at most 24 h, default 1 min.
	SettleTimeout time.Duration
	// MaxTasks, MaxAge and MaxMemory end a worker, so that what its handlers leak
	// goes with its process: when that many attempts at tasks have ended, that long
	// after the start-up check has passed, or when the live heap of the process, as
	// of the last garbage collection, is larger than that many bytes (looked at
	// every 5 s). The worker then drains as at the end of its context and Run
	// returns [ErrRecycle]. Each
	// is 0 or above, 0 for no limit. So that workers which started together do not
	// end together, a worker takes up to a tenth off each, by chance. Handlers that
	// run when a limit is reached still end, so the counts are not exact. What was
	// leased and not started is given back, which the broker counts as a delivery:
	// MaxTasks is to be well above Concurrency.
	MaxTasks  int
	MaxAge    time.Duration
	MaxMemory int64
	// Logger gets failures and the worker's own troubles, never payloads; nil
	// stands for slog.Default.
	Logger *slog.Logger
	// OnStart is called once, when the start-up check has passed and before the
	// first receive.
	OnStart func()
	// OnSettled is called once for each delivery that was decided on, when it is
	// settled or the worker has given up on it: after Run has returned for a
	// handler that outlived the grace. It must be quick and safe for concurrent
	// use.
	OnSettled func(Settled)
	// OnError is called like OnSettled for each attempt that failed, and OnDead
	// for each task that the queue has taken into its dead letter. A panic in any
	// of the three is logged and does no harm.
	OnError, OnDead func(Settled)
}

// Settled is how one delivery ended.
type Settled struct {
	// Queue is the name of the queue, MessageID the broker's id of the message.
	Queue, MessageID string
	// Decision is what Dispatch decided. A delivery that was given back unstarted
	// has a Release and neither Task nor Err.
	Decision Decision
	// Err is nil when the queue has taken the decision. Otherwise the message
	// comes back, unless the queue took it and the answer was lost.
	Err error
}

// NewWorker makes a Worker of queues; nil options are the defaults.
// InvalidArgument for a Mux with problems (see [Mux.Err]), no queue, a name that
// is not among them, an option out of range, or Strict with several queues of which
// none comes first.
func NewWorker(queues *Queues, mux *Mux, opts *WorkerOptions) (*Worker, error) {
	const op = "runtime: new worker"
	w := &Worker{mux: mux}
	if opts != nil {
		w.options = *opts
	}
	if mux == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "there is no mux; register handlers on one")
	}
	if err := mux.Err(); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	if err := w.options.fill(); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	if queues == nil || len(queues.all) == 0 {
		return nil, driver.Errorf(driver.InvalidArgument, op, "there is no queue; open one first")
	}
	selected := queues.All()
	if names := w.options.Queues; len(names) > 0 {
		selected = nil
		for _, name := range names {
			q, err := queues.get(name)
			if err != nil {
				return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
			}
			if slices.Contains(selected, q) {
				return nil, driver.Errorf(driver.InvalidArgument, op, "queue %q is named twice", name)
			}
			selected = append(selected, q)
		}
	}
	if w.options.Strict && len(selected) > 1 && !slices.ContainsFunc(selected, func(q *QueueInfo) bool { return q.Weight != selected[0].Weight }) {
		return nil, driver.Errorf(driver.InvalidArgument, op, "strict, but its %d queues have the same weight %d; give those that come first a larger QueueInfo.Weight", len(selected), selected[0].Weight)
	}
	w.schedule = newSchedule(w.options.Concurrency, w.options.Strict, mux)
	for _, q := range selected {
		w.lanes = append(w.lanes, newLane(w, q))
	}
	w.life = newLifetime(&w.options)
	w.idle = make(chan struct{}, 1)
	return w, nil
}

const maxConcurrency = 100_000

// maxWait is the longest grace or settle timeout: more is a slip.
const maxWait = 24 * time.Hour

func (o *WorkerOptions) fill() error {
	if o.Concurrency == 0 {
		o.Concurrency = 10
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.SettleTimeout == 0 {
		o.SettleTimeout = time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	switch {
	case o.Concurrency < 1 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("concurrency %d is not within 1 to 100,000", o.Concurrency)
	case o.Hold < 0:
		return fmt.Errorf("hold %v is negative; use 0 for the queue's own", o.Hold)
	case o.Grace < time.Second || o.Grace > maxWait:
		return fmt.Errorf("grace %v is not within 1s to %v", o.Grace, maxWait)
	case o.SettleTimeout < 0 || o.SettleTimeout > maxWait:
		return fmt.Errorf("settle timeout %v is not within 0s to %v", o.SettleTimeout, maxWait)
	case o.MaxTasks < 0 || o.MaxAge < 0 || o.MaxMemory < 0:
		return fmt.Errorf("max tasks %d, max age %v or max memory %d is negative; use 0 for no limit", o.MaxTasks, o.MaxAge, o.MaxMemory)
	}
	return nil
}

// Run works until ctx ends, then drains: it stops polling, gives back what was
// not started, waits for handlers up to Grace, settles, and returns nil. It
// returns an error when the start-up check refuses a queue (InvalidArgument, or
// what reading its policy answered unless that is worth another try: then it is
// asked again, with backoff, until ctx ends), when a queue was lost, or when handlers
// were still running at the end: their leases are left to expire, so another
// worker does their tasks. It returns [ErrRecycle], for errors.Is, when a limit of
// the worker's life ended it and ctx has not ended by then. A Worker runs once.
//
// For a worker that drains on SIGTERM pass a context of signal.NotifyContext.
// The handlers' contexts keep ctx's values and not its end.
func (w *Worker) Run(ctx context.Context) error {
	if !w.ran.CompareAndSwap(false, true) {
		return driver.Errorf(driver.InvalidArgument, "runtime: run", "this worker has run already; make a new one")
	}
	defer w.enter(StateEnded)
	if err := w.check(ctx); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return err
	}
	if w.options.OnStart != nil {
		w.options.OnStart()
	}
	w.enter(StateRunning)
	handlers := context.WithoutCancel(ctx)
	if w.mux.telemetry != nil { // a task is no part of what the worker was started by
		handlers = trace.ContextWithSpanContext(handlers, trace.SpanContext{})
	}
	calls, cut := context.WithCancel(handlers)
	defer cut()
	polling, stop := context.WithCancel(ctx)
	defer stop()
	var pollers, keepers sync.WaitGroup
	broken := make(chan error, len(w.lanes)) // one a lane at most, never closed
	for _, l := range w.lanes {
		l.within = func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(calls, d) }
	}
	w.schedule.begin()
	for range w.options.Concurrency {
		w.runners.Go(func() { w.run(handlers) })
	}
	for _, l := range w.lanes {
		keepers.Go(l.keep)
		pollers.Go(func() {
			if err := l.poll(polling); err != nil {
				broken <- err
			}
		})
	}
	var watch sync.WaitGroup
	watch.Go(func() { w.schedule.watch(polling) })
	if w.life.age > 0 || w.life.memory > 0 {
		watch.Go(func() { w.life.watch(polling) })
	}
	for _, l := range w.lanes {
		if l.depthWanted() {
			watch.Go(func() { l.watchDepth(polling) })
		}
	}
	var err error
	var limit string // of its life, that was reached
	select {
	case <-ctx.Done():
	case err = <-broken:
	case limit = <-w.life.over:
		w.options.Logger.Info("the worker is recycled: it drains", "reason", limit)
	}
	stop()
	watch.Wait()
	err = errors.Join(err, w.drain(&pollers, cut))
	if ctx.Err() == nil && limit != "" { // who ends the program wants no other worker
		err = errors.Join(fmt.Errorf("%w (%s)", ErrRecycle, limit), err)
	}
	for _, l := range w.lanes {
		close(l.stopped)
	}
	keepers.Wait()
	return err
}
