//go:build unix

package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// process is a worker process. Closing alive ends it, and so does the end of this
// process.
type process struct {
	number int
	said   string // the file that has what it printed
	cmd    *exec.Cmd
	alive  io.Closer
	ended  chan struct{} // closed by the goroutine that launch began, when the process has ended
	err    error         // how; written before ended is closed
}

// launch starts this test binary as a worker. What it prints goes to a file in dir.
func launch(o order, dir string) (*process, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{number: o.Number, said: filepath.Join(dir, fmt.Sprintf("worker-%d", o.Number)), ended: make(chan struct{})}
	said, err := os.Create(p.said)
	if err != nil {
		return nil, err
	}
	defer said.Close()               // the process has its own
	p.cmd = exec.Command(os.Args[0]) //nolint:noctx // kill, drain or end ends it
	p.cmd.Env = append(os.Environ(), envOrder+"="+string(b))
	p.cmd.Stdout, p.cmd.Stderr = said, said
	if p.alive, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// hasEnded is whether it has ended.
func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// wait waits for the end.
func (p *process) wait() error {
	<-p.ended
	_ = p.alive.Close() // nobody reads it any more
	return p.err
}

// kill ends it by SIGKILL.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	_ = p.wait() // it was killed
	return err
}

// output is what it has printed.
func (p *process) output() string {
	b, err := os.ReadFile(p.said)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
