package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
	longshoreruntime "github.com/longshore-dev/longshore/runtime"
)

const (
	// mostMedian and most99 a task may wait from when it is due to be sent to the start
	// of its handler.
	mostMedian, most99 = 60 * time.Microsecond, time.Millisecond
)

type latencyOptions struct {
	perSecond      int
	warmUp, length time.Duration
	record         string // a file for the table; nothing is checked then
	out            io.Writer
}

// timed is a task of 64 bytes as JSON that knows its number.
type timed struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
}

// Kind is the task's kind.
func (timed) Kind() string { return "timed" }

func newTimed(n int) timed {
	return timed{n, strings.Repeat("x", payloadSize-len(fmt.Sprintf(`{"number":%d,"text":""}`, n)))}
}

// waits are how long tasks took after they were due to be sent: to the start of
// Enqueue, and to the start of the handler.
type waits struct{ sent, started []time.Duration }

// measureLatency sends tasks at a steady rate, whatever became of those before, and
// prints how long they waited from when they were due to be sent: a stall counts for
// every task that was due in it. The error says what is missed.
func measureLatency(ctx context.Context, o latencyOptions) error {
	w, err := runLatency(ctx, o)
	if err != nil {
		return err
	}
	return w.tell(o)
}

func runLatency(ctx context.Context, o latencyOptions) (w waits, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	every := time.Second / time.Duration(o.perSecond)
	skip, all := int(o.warmUp/every), int((o.warmUp+o.length)/every)
	w = waits{sent: make([]time.Duration, all), started: make([]time.Duration, all)}
	var begin time.Time // written before the first task is sent
	var done atomic.Int64
	ours, err := startLongshore(ctx, func(t *timed) error {
		w.started[t.Number] = time.Since(begin) - time.Duration(t.Number)*every
		return nil
	}, func(err error) {
		if err != nil {
			cancel(err)
		}
		done.Add(1)
	})
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, ours.End()) }()
	runtime.GC()
	c, err := newClock()
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	begin = time.Now().Add(every)
	for n := range all {
		t := newTimed(n)
		if err := c.until(begin.Add(time.Duration(n) * every)); err != nil {
			return w, err
		}
		w.sent[n] = time.Since(begin) - time.Duration(n)*every
		if _, err := longshoreruntime.Enqueue(ctx, ours.Client, t); err != nil {
			return w, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	for end := time.Now().Add(10 * time.Second); done.Load() < int64(all) && time.Now().Before(end) && ctx.Err() == nil; {
		load.Pause(ctx, time.Millisecond)
	}
	if ctx.Err() != nil {
		return w, context.Cause(ctx)
	}
	if done.Load() != int64(all) {
		return w, fmt.Errorf("%d tasks were sent, but %d done", all, done.Load())
	}
	return waits{w.sent[skip:], w.started[skip:]}, nil
}

// quantile is the wait that a share of the tasks does not exceed; all is sorted.
func quantile(all []time.Duration, share float64) time.Duration {
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

var latencyColumns = []string{"", "p50", "p90", "p99", "p99.9", "longest"}

func latencyRow(name string, all []time.Duration) []string {
	row := []string{name}
	for _, share := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		row = append(row, quantile(all, share).Round(100*time.Nanosecond).String())
	}
	return row
}

// tell prints the waits, and checks or records them.
func (w waits) tell(o latencyOptions) error {
	slices.Sort(w.sent)
	slices.Sort(w.started)
	rows := [][]string{latencyRow("to the start of the handler", w.started), latencyRow("of it, until Enqueue was called", w.sent)}
	fmt.Fprintf(o.out, "%d tasks a second for %v on mem, %d bytes of payload, from when a task was due to be sent; %s, %s/%s, %d CPUs\n\n",
		o.perSecond, o.length, payloadSize, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	t := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, r := range append([][]string{latencyColumns}, rows...) {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var said strings.Builder
	missed := w.check(&said)
	fmt.Fprintf(o.out, "\n%s", said.String())
	if o.record == "" {
		return missed
	}
	return report.Section{
		Order: 2, Title: "Wait at a steady rate",
		Method: fmt.Sprintf("Longshore's queue in memory, %d tasks a second of %d bytes for %v at fixed times, whatever became of those before, on %d cores. "+
			"A wait runs from when a task was due to be sent to the start of its handler, so that a stall counts for every task that was due in it.",
			o.perSecond, payloadSize, o.length, runtime.GOMAXPROCS(0)),
		Columns: latencyColumns, Rows: rows, Results: lines(said.String()),
	}.Save(o.record)
}

// check says what is missed by sorted waits.
func (w waits) check(out io.Writer) error {
	var missed []error
	for _, l := range []struct {
		name  string
		share float64
		most  time.Duration
	}{{"p50", 0.5, mostMedian}, {"p99", 0.99, most99}} {
		got := quantile(w.started, l.share).Round(100 * time.Nanosecond)
		fmt.Fprintf(out, "%s from due to the start of the handler is %v (limit: below %v)\n", l.name, got, l.most)
		if got >= l.most {
			missed = append(missed, fmt.Errorf("%s from due to the start of the handler is %v, not below %v", l.name, got, l.most))
		}
	}
	return errors.Join(missed...)
}
