package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Process is a server in a process of its own. It is not safe for concurrent use.
type Process struct {
	Address string
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// Start starts this program with the argument "server".
func Start(ctx context.Context) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{command: exec.CommandContext(ctx, self, "server")}
	p.command.Stderr = os.Stderr
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(bufio.NewReader(out))
	var hello State
	if err := p.out.Decode(&hello); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.Address = hello.Address
	return p, nil
}

// Do has the server obey a command.
func (p *Process) Do(c Command) (State, error) {
	if err := json.NewEncoder(p.in).Encode(c); err != nil {
		return State{}, err
	}
	var got State
	if err := p.out.Decode(&got); err != nil {
		return State{}, err
	}
	if got.Error != "" {
		return State{}, fmt.Errorf("the server: %s", got.Error)
	}
	return got, nil
}

// Close ends the process and waits for it.
func (p *Process) Close() error { return errors.Join(p.in.Close(), p.command.Wait()) }
