package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

const (
	// workers do tasks at the same time.
	workers = 100
	// window and windows keep producers at most window * windows tasks ahead, so
	// that it is not a backlog that is measured.
	window, windows = 256, 40
)

// contender is a way to get tasks from producers to workers.
type contender struct {
	name string
	does string // what happens to a task on its way
	// producers send at the same time.
	producers int
	// open starts the workers. They call done once for each task, when it is
	// done and acknowledged as far as the contender knows that.
	open func(ctx context.Context, done func(error)) (*running, error)
}

// running is a contender with its workers started.
type running struct {
	send func(ctx context.Context, t task) error
	// close ends the workers and waits for them.
	close func() error
}

type options struct {
	contenders []contender
	rounds     int
	warmUp     time.Duration
	length     time.Duration
	drain      time.Duration // what was sent has so long to be done after the end
	least      int
	out        io.Writer
}

// compare runs the contenders in turn, round after round, so that whatever else
// the machine does falls on all alike, and prints a table of medians. The error
// says what failed, or that longshore was below the least in every round: what
// else a machine does makes a round slower and never faster, so the fastest says
// most about the code. With a least, the first round that reaches it is the last.
func compare(ctx context.Context, o options) error {
	if len(o.contenders) == 0 {
		return errors.New("there is no such contender")
	}
	rates := make([][]float64, len(o.contenders))
	for round := range o.rounds {
		for i, c := range o.contenders {
			perSecond, err := measure(ctx, c, o)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			rates[i] = append(rates[i], perSecond)
			if c.name == longshore.name && o.least > 0 && perSecond >= float64(o.least) {
				o.rounds = round + 1
			}
		}
		if round+1 == o.rounds {
			break
		}
	}
	return report(o, rates)
}

func report(o options, rates [][]float64) error {
	fmt.Fprintf(o.out, "%d workers, %d bytes of payload, median of %d interleaved rounds; %s, %s/%s, %d CPUs\n\n",
		workers, payloadSize, o.rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\ttasks/s\tlowest\thighest\t")
	var failure error
	for i, c := range o.contenders {
		median := medianOf(rates[i])
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%s\n", c.name, median, slices.Min(rates[i]), slices.Max(rates[i]), c.does)
		if fastest := slices.Max(rates[i]); c.name == longshore.name && fastest < float64(o.least) {
			failure = fmt.Errorf("%s does %.0f tasks a second at best, fewer than the %d it must", c.name, fastest, o.least)
		}
	}
	return errors.Join(w.Flush(), failure)
}

func medianOf(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// measure opens a contender, keeps it busy, and counts the tasks that are done in
// a second once it has warmed up. Then it waits for all that was sent: what loses
// or doubles a task has no rate.
func measure(ctx context.Context, c contender, o options) (perSecond float64, err error) {
	runtime.GC() // what the last one left is not on this one's account
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ahead := make(chan struct{}, windows+c.producers) // one for each window that may be sent
	for range windows {
		ahead <- struct{}{}
	}
	var sent, done atomic.Int64
	r, err := c.open(ctx, func(err error) {
		if err != nil {
			cancel(err)
		} else if done.Add(1)%window == 0 {
			select {
			case ahead <- struct{}{}:
			default: // more is done than was sent, which is found out at the end
			}
		}
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.close()) }()

	stopped := make(chan struct{}) // closed when no more is to be sent
	var stop atomic.Bool           // the same, cheaper to ask
	var sending sync.WaitGroup
	for range c.producers {
		sending.Go(func() {
			for t := newTask(); !stop.Load(); {
				if sent.Add(1)%window == 0 {
					select {
					case <-ahead:
					case <-stopped: // this one is not sent
						sent.Add(-1)
						return
					}
				}
				if err := r.send(ctx, t); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	pause(ctx, o.warmUp)
	before, began := done.Load(), time.Now()
	pause(ctx, o.length)
	counted, took := done.Load()-before, time.Since(began)
	stop.Store(true)
	close(stopped)
	sending.Wait()
	for end := time.Now().Add(o.drain); done.Load() < sent.Load() && time.Now().Before(end) && ctx.Err() == nil; {
		pause(ctx, time.Millisecond)
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if sent, done := sent.Load(), done.Load(); sent != done {
		return 0, fmt.Errorf("%d tasks were sent, but %d done", sent, done)
	}
	return float64(counted) / took.Seconds(), nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
