package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
)

// contender is a way to work on a queue.
type contender struct {
	name string
	does string // what happens to a task on its way
	// parallel is how many slots or goroutines to try; that with the highest rate
	// counts.
	parallel []int
	// open starts the work on a queue of the server in the environment. Failed hears
	// what goes wrong. What it answers ends the work and waits for it.
	open func(ctx context.Context, queue string, parallel int, failed func(error)) (end func() error, err error)
}

var contenders = []contender{longshore, gocloud}

// part is what a process of a contender does.
type part struct {
	name, queue string
	Parallel    int
	Profile     string // a file for the CPU profile, if any
}

// gcPercent is for all contenders: see README.md.
const gcPercent = 400

// work is the process of a contender: it works until in ends.
func work(ctx context.Context, p part, in io.Reader) (err error) {
	debug.SetGCPercent(gcPercent)
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == p.name })
	if i < 0 {
		return fmt.Errorf("there is no contender %q", p.name)
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
	end, err := contenders[i].open(ctx, p.queue, p.Parallel, cancel)
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

// contenderProcess is a contender at work in a process of its own.
type contenderProcess struct {
	command *exec.Cmd
	in      io.Closer
	ended   chan struct{} // closed by the goroutine of startContender
	err     error         // how; written before ended is closed
}

func startContender(ctx context.Context, s *serverProcess, p part) (*contenderProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &contenderProcess{ended: make(chan struct{})}
	c.command = exec.CommandContext(ctx, self, "worker", "-name", p.name, "-queue", p.queue,
		"-parallel", strconv.Itoa(p.Parallel), "-profile", p.Profile)
	c.command.Env = append(os.Environ(), s.environment())
	c.command.Stderr = os.Stderr
	if c.in, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.ended)
		c.err = c.command.Wait()
	}()
	return c, nil
}

// hasEnded is whether it has ended by itself.
func (c *contenderProcess) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// end has it end, and waits for that.
func (c *contenderProcess) end() error {
	_ = c.in.Close() // it may have ended
	<-c.ended
	return c.err
}
