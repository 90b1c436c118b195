package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"time"
)

const (
	// leastRate is how many pushes a second must be answered, mostTime what 99 of 100
	// may take.
	leastRate = 5000
	mostTime  = 5 * time.Millisecond
	// gcPercent is that of the other figures: the default collects a heap of some
	// megabytes a hundred times a second.
	gcPercent = 400
)

type options struct {
	perSecond, connections, cores int
	warmUp, length, flood         time.Duration
	profile                       string
	out                           io.Writer
}

// result is what was seen of the pushes that count.
type result struct {
	times []time.Duration // from the moment when a push was due, or sent, to its answer
	took  time.Duration
}

func (r result) perSecond() float64 { return float64(len(r.times)) / r.took.Seconds() }

// at is the time within which a share of all was answered.
func (r result) at(share float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// measure sends pushes at a steady rate, then as fast as they are answered. The error
// says which limit is missed; any answer but 204 is one too.
func measure(ctx context.Context, o options) (err error) {
	if o.cores > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.cores))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	e, err := startEndpoint(ctx, o.connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.end()) }()
	c, err := dial(ctx, e.address, o.connections, e.signer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.send(ctx, o.perSecond, o.warmUp); err != nil {
		return err
	}
	steady, err := profiled(o.profile, func() (result, error) { return c.send(ctx, o.perSecond, o.length) })
	if err != nil {
		return err
	}
	var flood result
	if o.flood > 0 {
		if flood, err = c.send(ctx, 0, o.flood); err != nil {
			return err
		}
	}
	if err := e.check(c.sent.Load()); err != nil {
		return err
	}
	return report(o, steady, flood)
}

func profiled(file string, f func() (result, error)) (result, error) {
	if file == "" {
		return f()
	}
	out, err := os.Create(file)
	if err != nil {
		return result{}, err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return result{}, err
	}
	defer pprof.StopCPUProfile()
	return f()
}

func report(o options, steady, flood result) error {
	fmt.Fprintf(o.out, "Pushes over %d connections, client included, every signature checked; %s, %s/%s, %d CPUs\n\n",
		o.connections, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	line := func(name string, r result) {
		fmt.Fprintf(o.out, "%s: %.0f a second, p50 %v, p99 %v, longest %v\n", name, r.perSecond(),
			r.at(0.5).Round(time.Microsecond), r.at(0.99).Round(time.Microsecond), r.at(1).Round(time.Microsecond))
	}
	line(fmt.Sprintf("sent at %d a second", o.perSecond), steady)
	if len(flood.times) > 0 {
		line("sent as fast as they are answered", flood)
	}
	fmt.Fprintf(o.out, "\nat least %d a second, p99 below %v from the moment when each was due\n", leastRate, mostTime)
	var missed []error
	if steady.perSecond() < leastRate {
		missed = append(missed, fmt.Errorf("%.0f pushes a second were answered, fewer than %d", steady.perSecond(), leastRate))
	}
	if p99 := steady.at(0.99); p99 >= mostTime {
		missed = append(missed, fmt.Errorf("p99 is %v, not below %v", p99.Round(time.Microsecond), mostTime))
	}
	return errors.Join(missed...)
}
