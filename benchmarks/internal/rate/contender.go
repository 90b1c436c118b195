// Package rate compares how many messages a second contenders take off a queue of a
// server, each in a process of its own.
package rate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"slices"
)

// Contender is a way to work on a queue.
type Contender struct {
	Name string
	Does string // what happens to a task on its way
	// Parallel is how many slots or goroutines to try; that with the highest rate
	// counts.
	Parallel []int
	// Messages are on its queue, where it is too slow for as many as others have; 0 for
	// as many.
	Messages int
	// Open starts the work on a queue of the server in the environment. Failed hears
	// what goes wrong. What it answers ends the work and waits for it.
	Open func(ctx context.Context, queue string, parallel int, failed func(error)) (end func() error, err error)
}

// Part is what a process of a contender does.
type Part struct {
	Name, Queue string
	Parallel    int
	Profile     string // a file for the CPU profile, if any
	messages    int    // on the queue; the process does not need to know
}

// flags are the arguments by which a process is told its Part.
func (p *Part) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&p.Name, "name", "", "")
	flags.IntVar(&p.Parallel, "parallel", 0, "")
	flags.StringVar(&p.Queue, "queue", "", "")
	flags.StringVar(&p.Profile, "profile", "", "")
	return flags
}

// gcPercent is for all contenders: the default collects a heap of some megabytes a
// hundred times a second.
const gcPercent = 400

// Work is the process of one of the contenders, with the arguments that it was
// started with: it works until in ends.
func Work(ctx context.Context, contenders []Contender, args []string, in io.Reader) (err error) {
	var p Part
	if err := p.flags().Parse(args); err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	i := slices.IndexFunc(contenders, func(c Contender) bool { return c.Name == p.Name })
	if i < 0 {
		return fmt.Errorf("there is no contender %q", p.Name)
	}
	if p.Profile != "" {
		f, err := os.Create(p.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end, err := contenders[i].Open(ctx, p.Queue, p.Parallel, cancel)
	if err != nil {
		return err
	}
	told := make(chan struct{}) // closed by the goroutine that reads in
	go func() {
		defer close(told)
		_, _ = io.Copy(io.Discard, in) // its end is what counts
	}()
	select {
	case <-told:
		return errors.Join(end(), context.Cause(ctx))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
