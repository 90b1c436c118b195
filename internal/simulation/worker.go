package simulation

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// worker is one from its start to its end. The client is one without a number.
type worker struct {
	world   *World
	number  int // from 1
	dice    dice
	link    *link
	queue   *faultqueue.Queue // on the way of what goes wrong
	cut     atomic.Bool       // it was killed
	errDead error             // what its calls then answer
	grace   time.Duration

	// All below is guarded by World.mu.
	killed, stopped bool
	excused         time.Duration // until when calls in trouble explain a lost lease, since the World began
	leases          []*lease      // that it ever got
	receives        int           // calls so far; of extends and settles those on dead letters only
	several         bool          // the last receive that did not fail brought more than one
	extends         int
	settles         int
	waiting         int // of those that are neither begun nor decided
	errors, deaths  int // that OnSettled told of, less those that OnError and OnDead did
}

// newWorker makes the next worker, or with number 0 a client.
func (w *World) newWorker(number int) *worker {
	by := &worker{world: w, number: number, dice: w.dice.of(aboutWorker).of(number), errDead: errGone}
	if by.dice.in1000(12, 300) {
		by.errDead = errDown
	}
	own := &broker{w.weather.narrow(w.queue), by}
	by.queue = faultqueue.New(own, rule())
	by.link = &link{own.narrowed, by, own, by.queue}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.workers = append(w.workers, by)
	return by
}

var discard = slog.New(slog.DiscardHandler)

// queues is what a program sees of the queue.
func (by *worker) queues() *runtime.Queues {
	w := by.world
	var seen driver.Queue = by.link
	if w.weather.withdraws {
		seen = withdrawing{by.link}
	}
	if by.number > 0 && w.bug.queue != nil {
		seen = w.bug.queue(w, seen)
	}
	qs := new(runtime.Queues)
	policy := &runtime.RetryPolicy{MaxAttempts: w.weather.maxAttempts, Backoff: runtime.Exponential(time.Second, 8*time.Second)}
	if w.bug.policy != nil {
		w.bug.policy(policy)
	}
	info := runtime.QueueInfo{Name: "jobs", Driver: seen, Retry: policy}
	if w.weather.limited {
		info.Concurrency, info.Rate = Slots-1, runtime.Rate{PerSecond: 10, Burst: 2}
	}
	if err := qs.Add(info); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.violated(0, "add queue: %v", err)
	}
	return qs
}

// begin starts a worker's life: end is called once its Run has returned.
func (by *worker) begin(ctx context.Context, end func(error)) {
	w := by.world
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: discard, Codecs: []runtime.Codec{codec{}}})
	handle := by.handle
	if w.bug.handler != nil {
		handle = w.bug.handler(handle)
	}
	var limits []runtime.HandleOption
	if t := w.weather.timeout; t > 0 {
		limits = append(limits, runtime.Timeout(t), runtime.HardTimeout(w.weather.hard()))
	}
	if w.weather.limited {
		limits = append(limits, runtime.MaxConcurrency(Slots-2), runtime.RateLimit(20, 3))
	}
	runtime.Handle(mux, handle, limits...)
	rt, err := runtime.NewWorker(by.queues(), mux, &runtime.WorkerOptions{
		Concurrency: Slots, Grace: by.grace, Logger: discard,
		SettleTimeout: by.dice.between(11, 2*time.Second, 20*time.Second),
		OnSettled:     by.hook(w.reported), OnError: by.hook(w.told), OnDead: by.hook(w.toldDead),
	})
	if err != nil {
		end(err)
		return
	}
	w.mu.Lock()
	w.note(Event{Worker: by.number, What: Started})
	w.mu.Unlock()
	w.lives.Go(func() { end(rt.Run(ctx)) })
}

// hook is a hook of a worker that is judged by f.
func (by *worker) hook(f func(*worker, runtime.Settled)) func(runtime.Settled) {
	return func(s runtime.Settled) {
		by.world.mu.Lock()
		defer by.world.mu.Unlock()
		f(by, s)
	}
}

// lives is how many workers come one after the other.
const lives = 2

// employ has one worker after the other, each for a while.
func (w *World) employ(ctx context.Context, lane int) {
	d := w.dice.of(aboutWorker).of(-1 - lane)
	for life := range lives {
		d := d.of(life)
		if !pause(ctx, d.between(1, time.Millisecond, 1500*time.Millisecond)) {
			return
		}
		w.live(ctx, 1+lane+Workers*life, d)
	}
}

// live is the life of one worker.
func (w *World) live(ctx context.Context, number int, d dice) {
	by := w.newWorker(number)
	die := d.in1000(2, w.weather.kill)
	by.grace = d.between(3, 2*time.Second, 9*time.Second)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var told time.Duration
	ended := make(chan struct{})
	by.begin(ctx, func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.givenBack(by)
		by.stopped = true
		if !by.killed {
			w.note(Event{Worker: number, What: Stopped})
			if err != nil && !driver.Is(err, driver.DeadlineExceeded) {
				w.violated(0, "run of worker %d: %v", number, err)
			}
		}
		if took := w.now() - told; took > by.grace+20*time.Millisecond {
			w.violated(0, "worker %d ran on for %v with a grace of %v", number, took, by.grace)
		}
		close(ended)
	})
	pause(ctx, d.between(4, 3*time.Second, 18*time.Second))
	if die {
		w.mu.Lock()
		by.killed, told = true, w.now()
		if slices.ContainsFunc(by.leases, func(l *lease) bool { return l.run != nil && l.run.running }) {
			w.met[KilledRunning]++
		}
		w.note(Event{Worker: number, What: Killed})
		w.mu.Unlock()
		by.cut.Store(true)
		by.queue.Kill()
		return
	}
	if !w.weather.single {
		w.untilNoneWaits(ctx, by, d)
	}
	w.mu.Lock()
	told = w.now()
	w.note(Event{Worker: number, What: Draining})
	w.mu.Unlock()
	cancel()
	<-ended
}

// untilNoneWaits returns when the worker has no task that it did not start.
func (w *World) untilNoneWaits(ctx context.Context, by *worker, d dice) {
	for i := range 200 {
		w.mu.Lock()
		n := by.waiting
		w.mu.Unlock()
		if n == 0 {
			return
		}
		pause(ctx, d.of(i).between(5, time.Millisecond, 20*time.Millisecond))
	}
}

// calmDown has nothing fail any more, until all is done.
func (w *World) calmDown(ctx context.Context) {
	w.mu.Lock()
	w.calm = true
	w.note(Event{What: Calm})
	w.mu.Unlock()
	by := w.newWorker(1 + lives*Workers)
	by.grace = 5 * time.Second
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	by.begin(ctx, func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		by.stopped = true
		if err != nil {
			w.violated(0, "run of the last worker: %v", err)
		}
	})
	for end := w.now() + calmTime; ; {
		pause(ctx, 2*time.Second+time.Nanosecond)
		stats, err := w.queue.Stats(ctx)
		w.mu.Lock()
		busy := w.handlers > 0
		if err != nil || w.now() > end {
			w.violated(0, "after a calm hour the queue holds %+v (%v)", stats, err)
			busy, stats = false, driver.Stats{}
		}
		w.mu.Unlock()
		if !busy && stats.Ready+stats.Leased+stats.Delayed == 0 {
			break
		}
	}
	pause(ctx, 100*time.Millisecond) // the last answers arrive
	cancel()
	w.lives.Wait()
}
