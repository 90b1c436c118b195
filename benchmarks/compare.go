package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
	"github.com/longshore-dev/longshore/benchmarks/internal/store"
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
	// prepare starts what all rounds need, once; nil for nothing. Store.ErrAbsent
	// leaves the contender out.
	prepare func(ctx context.Context) (stop func() error, uses report.Library, err error)
	// batch is how many tasks a send has; 0 is 1.
	batch int
}

// running is a contender with its workers started.
type running struct {
	send func(ctx context.Context, t task) error
	// sendMany takes the place of send where a send has several tasks.
	sendMany func(ctx context.Context, tasks []task) error
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
	// check judges the results, and writes what follows from them; nil for none.
	check  func(out io.Writer, results []*result) error
	record string // a file for the table; nothing is checked then
	out    io.Writer
}

// measurement is how a contender did in a round.
type measurement struct {
	perSecond   float64
	allocations float64       // a task, of the whole process
	cpu         time.Duration // a task, user and system, of the whole process
}

// result is how a contender did in all rounds.
type result struct {
	contender
	all []measurement
}

// of is one number of all rounds.
func (r *result) of(number func(measurement) float64) []float64 {
	all := make([]float64, len(r.all))
	for i, m := range r.all {
		all[i] = number(m)
	}
	return all
}

func rate(m measurement) float64        { return m.perSecond }
func allocations(m measurement) float64 { return m.allocations }
func micros(m measurement) float64      { return float64(m.cpu) / float64(time.Microsecond) }

// compare runs the contenders in turn, round after round, so that whatever else
// the machine does falls on all alike, and prints a table of medians. The error
// says what failed, or that longshore was below the least in every round: what
// else a machine does makes a round slower and never faster, so the fastest says
// most about the code. With a least, the first round that reaches it is the last.
func compare(ctx context.Context, o options) (err error) {
	present, absent, uses, stop, err := prepare(ctx, o.contenders)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	if len(present) == 0 {
		return errors.Join(errors.New("there is no such contender"), errors.New(strings.Join(absent, "; ")))
	}
	for round := range o.rounds {
		for _, r := range present {
			m, err := measure(ctx, r.contender, o)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			r.all = append(r.all, m)
			if r.name == longshore.name && o.least > 0 && m.perSecond >= float64(o.least) {
				o.rounds = round + 1
			}
		}
		if round+1 == o.rounds {
			break
		}
	}
	return tell(o, present, absent, uses)
}

// prepare starts what contenders need. Those without it are absent.
func prepare(ctx context.Context, contenders []contender) (present []*result, absent []string, uses []report.Library, stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var errs []error
		for _, s := range stops {
			errs = append(errs, s())
		}
		return errors.Join(errs...)
	}
	for _, c := range contenders {
		if c.prepare != nil {
			end, library, err := c.prepare(ctx)
			if errors.Is(err, store.ErrAbsent) {
				absent = append(absent, fmt.Sprintf("%s: %v", c.name, err))
				continue
			}
			if err != nil {
				return nil, nil, nil, stop, fmt.Errorf("%s: %w", c.name, err)
			}
			stops, uses = append(stops, end), append(uses, library)
		}
		present = append(present, &result{contender: c})
	}
	return present, absent, uses, stop, nil
}

// measure opens a contender, keeps it busy, and counts the tasks that are done in
// a second once it has warmed up. Then it waits for all that was sent: what loses
// or doubles a task has no rate.
func measure(ctx context.Context, c contender, o options) (m measurement, err error) {
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
		return m, err
	}
	defer func() { err = errors.Join(err, r.close()) }()

	stopped := make(chan struct{}) // closed when no more is to be sent
	var stop atomic.Bool           // the same, cheaper to ask
	var sending sync.WaitGroup
	batch := int64(max(1, c.batch))
	for range c.producers {
		sending.Go(func() {
			tasks := slices.Repeat([]task{newTask()}, int(batch))
			for !stop.Load() {
				if n := sent.Add(batch); n/window != (n-batch)/window {
					select {
					case <-ahead:
					case <-stopped: // these are not sent
						sent.Add(-batch)
						return
					}
				}
				var err error
				if r.sendMany != nil {
					err = r.sendMany(ctx, tasks)
				} else {
					err = r.send(ctx, tasks[0])
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	load.Pause(ctx, o.warmUp)
	before := now(&done)
	load.Pause(ctx, o.length)
	m = now(&done).since(before)
	stop.Store(true)
	close(stopped)
	sending.Wait()
	for end := time.Now().Add(o.drain); done.Load() < sent.Load() && time.Now().Before(end) && ctx.Err() == nil; {
		load.Pause(ctx, time.Millisecond)
	}
	if ctx.Err() != nil {
		return m, context.Cause(ctx)
	}
	if sent, done := sent.Load(), done.Load(); sent != done {
		return m, fmt.Errorf("%d tasks were sent, but %d done", sent, done)
	}
	return m, nil
}
