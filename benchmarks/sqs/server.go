package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// broker is an SQS server that counts its requests.
type broker interface {
	Serve(l net.Listener) error
	Close() error
	Counts() map[string]opCount
}

// serve is the process of a server: it says where it listens in a line on out,
// answers each line on in with its counts in one, and ends with in.
func serve(ctx context.Context, kind string, in io.Reader, out io.Writer) error {
	b, err := newBroker(ctx, kind)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- b.Serve(l) }()
	fmt.Fprintf(out, "http://%s\n", l.Addr())
	lines := bufio.NewScanner(in)
	answers := json.NewEncoder(out)
	for err = nil; err == nil && lines.Scan(); {
		err = answers.Encode(b.Counts())
	}
	err = errors.Join(err, lines.Err(), l.Close(), b.Close())
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) && !errors.Is(served, net.ErrClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func newBroker(ctx context.Context, kind string) (broker, error) {
	switch kind {
	case "null":
		messages, err := encoded(ctx, 10)
		return newNullServer(messages), err
	case "fake":
		return newFakeServer(), nil
	default:
		return nil, fmt.Errorf("there is no server %q", kind)
	}
}

// serverProcess is a server in a process of its own. It is not safe for
// concurrent use.
type serverProcess struct {
	url     string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// startServer starts this program as a server.
func startServer(ctx context.Context, kind string) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &serverProcess{command: exec.CommandContext(ctx, self, "server", kind)}
	s.command.Stderr = os.Stderr
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	s.url, err = s.out.ReadString('\n')
	s.url = strings.TrimSpace(s.url)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// counts asks the server what it has answered so far.
func (s *serverProcess) counts() (all map[string]opCount, err error) {
	if _, err := fmt.Fprintln(s.in); err != nil {
		return nil, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(line, &all)
}

// close ends the process and waits for it.
func (s *serverProcess) close() error {
	return errors.Join(s.in.Close(), s.command.Wait())
}

// since is what was counted after before.
func since(before, after map[string]opCount) map[string]opCount {
	difference := make(map[string]opCount)
	for op, n := range after {
		difference[op] = opCount{n.Requests - before[op].Requests, n.Messages - before[op].Messages}
	}
	return difference
}
