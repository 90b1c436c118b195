// Package store starts a Redis or a PostgreSQL for a comparison: a process of its own
// in a new directory, reached by a Unix socket only, and gone at the end.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ErrAbsent is why a store does not start on this machine.
var ErrAbsent = errors.New("absent")

const (
	// startWithin is how long a store may take to answer.
	startWithin = 30 * time.Second
	// askEvery is how often it is asked.
	askEvery = 20 * time.Millisecond
)

// process is a store at work. It belongs to who started it, who ends it.
type process struct {
	directory string
	command   *exec.Cmd
	ended     chan struct{} // closed by the goroutine of run
}

// run starts a command, and waits until ready answers nil.
func run(ctx context.Context, directory string, command *exec.Cmd, signal syscall.Signal, ready func(context.Context) error) (*process, error) {
	var said strings.Builder // read when the command has ended
	command.Stdout, command.Stderr = &said, &said
	command.Cancel = func() error { return command.Process.Signal(signal) }
	command.WaitDelay = startWithin
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	p := &process{directory: directory, command: command, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = command.Wait() // that it has ended is what counts
	}()
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return p, nil
		}
		select {
		case <-p.ended:
			return nil, errors.Join(fmt.Errorf("%s has ended at its start: %s", command.Path, said.String()), os.RemoveAll(directory))
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s does not answer in %v: %w", command.Path, startWithin, err), p.end(signal))
		case <-time.After(askEvery):
		}
	}
}

// end ends the process, waits for it, and removes what it wrote.
func (p *process) end(signal syscall.Signal) error {
	_ = p.command.Process.Signal(signal) // it may have ended
	<-p.ended
	return os.RemoveAll(p.directory)
}

// version is the first line that a program says of itself.
func version(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
