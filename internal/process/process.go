//go:build unix

// Package process runs a program of this machine for as long as somebody needs it,
// and leaves nothing of it behind.
package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// EndsWithin is how long a program may take to end when it is asked to.
const EndsWithin = 10 * time.Second

// Process is a running program, the leader of a process group of its own. It is
// safe for concurrent use.
type Process struct {
	pid  int
	done chan struct{} // closed by the goroutine of Launch, when the process has ended
}

// Launch starts cmd, whose SysProcAttr it sets. One goroutine starts it and waits
// for it, on one thread: on Linux the process is killed when that thread ends,
// which is when this program does, however it ends. The caller calls End or Kill.
func Launch(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = ownGroup()
	p := &Process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended shows in its log
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// PID is the number of the process.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// End asks the process to end, and kills its group when it has not by the end of
// ctx, or within ten seconds; that is an error. The process has ended when End
// returns, and nothing is left of its group.
func (p *Process) End(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, EndsWithin)
	defer cancel()
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(p.pid, syscall.SIGTERM) // it may just have ended
	}
	var err error
	select {
	case <-p.done:
	case <-ctx.Done():
		err = fmt.Errorf("process %d did not end when asked to, and was killed", p.pid)
	}
	p.Kill()
	return err
}

// Kill ends the group at once, and waits for its leader.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // nothing may be left of it
	<-p.done
}

// FreeAddress is host and port of the loopback interface where nobody listens; a
// port of 0 takes any. Another program may take it before it is used.
func FreeAddress(ctx context.Context, port int) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// TailSize is how much of a log is shown, in bytes.
const TailSize = 4 << 10

// Tail is the end of a file, or why it cannot be read.
func Tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	b := make([]byte, min(info.Size(), TailSize))
	n, _ := f.ReadAt(b, info.Size()-int64(len(b))) // it may have been cut since
	return string(b[:n])
}
