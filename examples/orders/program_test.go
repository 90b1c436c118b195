package orders_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// programs are the built commands, by name.
type programs struct{ dir string }

func build(t *testing.T) programs {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the first takes long
	defer cancel()
	// Looking at the sources keeps a cached result from standing in for this test
	// when they have changed.
	for _, dir := range []string{"cmd", "runtime", "driver", "drivers", "internal", "lambdaentry", "pushentry", "examples/orders"} {
		if err := filepath.WalkDir(filepath.Join("../..", dir), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	p := programs{t.TempDir()}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", p.dir, "./cmd/worker", "./cmd/shop", "./cmd/lambda", "./cmd/push", "../../cmd/longshore").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return p
}

// process is a running program. Its methods are for the test's goroutine.
type process struct {
	name     string
	command  *exec.Cmd
	out, err output
	ended    chan error // one result, never closed
	over     bool
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts a program with no other environment than env. It is killed at the end of
// the test when it still runs.
func (p programs) start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	r := &process{name: name, command: exec.Command(filepath.Join(p.dir, name), args...), ended: make(chan error, 1)} //nolint:noctx // it ends by a signal
	r.command.Env, r.command.Stdout, r.command.Stderr = env, &r.out, &r.err
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.command.Wait() }()
	t.Cleanup(func() {
		if !r.over {
			r.kill()
		}
		if t.Failed() {
			t.Logf("%s %v said:\n%s", name, args, r.err.String())
		}
	})
	return r
}

// stop sends SIGTERM and waits; the exit code must be 0.
func (r *process) stop(t *testing.T) {
	t.Helper()
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	r.wait(t)
}

// wait waits for the end; the exit code must be 0.
func (r *process) wait(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.ended:
		r.over = true
		if err != nil {
			t.Errorf("%s: %v, want exit code 0", r.name, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %v", r.name, patience)
	}
}

// kill ends it at once.
func (r *process) kill() {
	_ = r.command.Process.Kill()
	err := <-r.ended
	r.over = true
	fmt.Fprintf(&r.err, "it is killed: %v\n", err)
}

// lines are what it wrote to standard output, whole lines only.
func (r *process) lines() []string {
	var lines []string
	for s := bufio.NewScanner(strings.NewReader(r.out.String())); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// longshore runs a command of longshore and decodes what it says.
func (p programs) longshore(t *testing.T, env []string, into any, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run := exec.CommandContext(ctx, filepath.Join(p.dir, "longshore"), append(args, "--json")...)
	var stderr bytes.Buffer
	run.Env, run.Stderr = env, &stderr
	out, err := run.Output()
	if err == nil { // the last line, of those that have several
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		err = json.Unmarshal(lines[len(lines)-1], into)
	}
	if err != nil {
		t.Fatalf("longshore %v: %v\n%s%s", args, err, out, &stderr)
	}
}

// dead are the ids of the tasks in the dead letter of a configuration file's queue, all
// of which must have been declined.
func (p programs) dead(t *testing.T, env []string, config string) []string {
	t.Helper()
	var list struct {
		Letters []struct{ ID, Reason string }
	}
	p.longshore(t, env, &list, "dlq", "list", "--config", config)
	var ids []string
	for _, l := range list.Letters {
		ids = append(ids, l.ID)
		if l.Reason != driver.ReasonPermanent {
			t.Errorf("%s is dead for %q, want %q", l.ID, l.Reason, driver.ReasonPermanent)
		}
	}
	return ids
}

// patience is how long anything is waited for.
const patience = 45 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("after %v not: %s", patience, what)
		}
	}
}

// environment is that of a process: nothing of this one's but what a system needs.
func environment(t *testing.T, more ...string) []string {
	t.Helper()
	env := append([]string{"HOME=" + t.TempDir()}, more...)
	for _, name := range []string{"PATH", "TMPDIR", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
