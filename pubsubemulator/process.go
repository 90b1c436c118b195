package pubsubemulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/longshore-dev/longshore/internal/process"
)

// startProcess runs the emulator on this machine, with its log in a directory of
// its own.
func startProcess(ctx context.Context, java, jar string, o *Options) (*Instance, error) {
	dir, err := os.MkdirTemp("", "pubsubemulator")
	if err != nil {
		return nil, err
	}
	i, err := runProcess(ctx, java, jar, dir, o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return i, nil
}

func runProcess(ctx context.Context, java, jar, dir string, o *Options) (*Instance, error) {
	address, err := process.FreeAddress(ctx, o.port())
	if err != nil {
		return nil, fmt.Errorf("pubsubemulator: find a free port: %w", err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "emulator.log")
	log, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer log.Close()                                                                                        // the process has its own
	cmd := exec.Command(java, fmt.Sprintf("-Xmx%dm", o.heap()), "-jar", jar, "--host="+host, "--port="+port) //nolint:noctx // it outlives the call that starts it; Close ends it
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = dir
	cmd.Env = processEnv()
	p, err := process.Launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("pubsubemulator: run %s: %w", java, err)
	}
	i := &Instance{host: address, via: ViaProcess, exited: p.Done(), log: func() string { return process.Tail(name) }}
	i.end = func(ctx context.Context) error {
		if err := p.End(ctx); err != nil {
			return errors.Join(fmt.Errorf("pubsubemulator: %w", err), os.RemoveAll(dir))
		}
		return os.RemoveAll(dir)
	}
	wait, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := i.ready(wait); err != nil {
		p.Kill()
		return nil, fmt.Errorf("pubsubemulator: %w; its last lines:\n%s", err, process.Tail(name))
	}
	return i, nil
}

// processEnv is the whole environment of the process. It gets no credentials and
// no proxies.
func processEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "JAVA_HOME"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
