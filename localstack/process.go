package localstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endsWithin is how long a process may take to end when it is asked to; it takes
// about two seconds.
const endsWithin = 10 * time.Second

// startProcess runs LocalStack on this machine.
func startProcess(ctx context.Context, o *Options) (*Instance, error) {
	python, err := environment(ctx, o)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "localstack")
	if err != nil {
		return nil, err
	}
	i, err := runProcess(ctx, python, dir, o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return i, nil
}

// runProcess runs LocalStack on a Python that has it, with all its files in dir.
func runProcess(ctx context.Context, python, dir string, o *Options) (*Instance, error) {
	address, err := freeAddress(ctx, o.port())
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "localstack.log")
	log, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer log.Close()                                            // the process has its own
	cmd := exec.Command(python, "-m", "localstack.runtime.main") //nolint:noctx // it outlives the call that starts it; Close ends it
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = dir
	cmd.Env = processEnv(dir, address, o.services())
	p, err := launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", python, err)
	}
	i := &Instance{endpoint: "http://" + address, via: ViaProcess, exited: p.done, log: func() string { return tail(name) }}
	i.end = func(ctx context.Context) error { return errors.Join(p.end(ctx), os.RemoveAll(dir)) }
	wait, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := i.ready(wait, o.services()); err != nil {
		p.kill()
		return nil, fmt.Errorf("%w; its last lines:\n%s", err, tail(name))
	}
	return i, nil
}

// processEnv is the whole environment of the process. It gets no credentials and
// no proxies, and looks for nothing outside this machine.
func processEnv(dir, address string, services []string) []string {
	env := []string{
		"SERVICES=" + strings.Join(services, ","),
		"EAGER_SERVICE_LOADING=1",
		"DISABLE_EVENTS=1",
		"SKIP_SSL_CERT_DOWNLOAD=1",
		"DNS_ADDRESS=0",
		"GATEWAY_LISTEN=" + address,
		"FILESYSTEM_ROOT=" + filepath.Join(dir, "root"),
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// freeAddress is an address of the loopback interface that nobody listens on.
func freeAddress(ctx context.Context, port int) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// process is a running process, the leader of a process group of its own.
type process struct {
	pid  int
	done chan struct{} // closed by the goroutine of launch, when the process has ended
}

// launch starts cmd. One goroutine starts it and waits for it, on one thread: on
// Linux the process is killed when that thread ends, which is when this program
// does, however it ends.
func launch(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = ownGroup()
	p := &process{done: make(chan struct{})}
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

// end asks the process to end and kills its group when it has not by the end of
// ctx. The process has ended when it returns.
func (p *process) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
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
		err = fmt.Errorf("localstack: process %d did not end when asked to, and was killed", p.pid)
	}
	p.kill()
	return err
}

// kill ends the group at once, and waits for its leader.
func (p *process) kill() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // nothing may be left of it
	<-p.done
}

// tailSize is how much of a log is shown with an error.
const tailSize = 4 << 10

// tail is the end of a file.
func tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	b := make([]byte, min(info.Size(), tailSize))
	n, _ := f.ReadAt(b, info.Size()-int64(len(b))) // it may have been cut since
	return string(b[:n])
}
