package rate

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// process is a contender at work in a process of its own.
type process struct {
	command *exec.Cmd
	in      io.Closer
	ended   chan struct{} // closed by the goroutine of start
	err     error         // how; written before ended is closed
}

// start starts this program as a worker, with a variable of the environment by which
// it finds the server.
func start(ctx context.Context, environment string, p Part) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &process{ended: make(chan struct{})}
	c.command = exec.CommandContext(ctx, self, "worker", "-name", p.Name, "-queue", p.Queue,
		"-parallel", strconv.Itoa(p.Parallel), "-profile", p.Profile)
	c.command.Env = append(os.Environ(), environment)
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
func (c *process) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// end has it end, and waits for that.
func (c *process) end() error {
	_ = c.in.Close() // it may have ended
	<-c.ended
	return c.err
}
