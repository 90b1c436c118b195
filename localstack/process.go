package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/longshore-dev/longshore/internal/process"
)

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
	address, err := process.FreeAddress(ctx, o.port())
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
	p, err := process.Launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", python, err)
	}
	i := &Instance{endpoint: "http://" + address, via: ViaProcess, exited: p.Done(), log: func() string { return process.Tail(name) }}
	i.end = func(ctx context.Context) error { return errors.Join(p.End(ctx), os.RemoveAll(dir)) }
	wait, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := i.ready(wait, o.services()); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w; its last lines:\n%s", err, process.Tail(name))
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
