package localstack

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/internal/process"
)

// requirements is LocalStack with all it needs, in the versions of the day of
// its release.
//
//go:embed requirements.txt
var requirements []byte

// environment gives a Python that has LocalStack. It is a virtual environment in
// the user's cache directory, made once for each content of requirements.txt;
// programs that want it at the same time wait for each other.
func environment(ctx context.Context, o *Options) (python string, err error) {
	base, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(requirements)
	dir := filepath.Join(cache, "longshore", "localstack-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	python = filepath.Join(dir, "bin", "python")
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil && isPython(ctx, python) == nil {
		return python, nil
	}
	o.note("installing LocalStack into %s, once; about a minute", dir)
	if err := install(ctx, base, dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.WriteFile(complete, nil, 0o666); err != nil {
		return "", err
	}
	return python, nil
}

// install makes the environment anew.
func install(ctx context.Context, base, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := command(ctx, base, "-m", "venv", dir); err != nil {
		return fmt.Errorf("make a virtual environment: %w", err)
	}
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o666); err != nil {
		return err
	}
	pip := filepath.Join(dir, "bin", "python")
	if err := command(ctx, pip, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "-r", list); err != nil {
		return fmt.Errorf("install LocalStack: %w", err)
	}
	return nil
}

// findPython looks for a Python 3.13: later ones are not tried, earlier ones do
// not run it.
func findPython(ctx context.Context) (string, error) {
	var candidates []string
	for _, name := range []string{"python3.13", "python3"} {
		if path, err := exec.LookPath(name); err == nil {
			candidates = append(candidates, path)
		}
	}
	root := os.Getenv("PYENV_ROOT")
	if home, err := os.UserHomeDir(); root == "" && err == nil {
		root = filepath.Join(home, ".pyenv")
	}
	installed, err := filepath.Glob(filepath.Join(root, "versions", "3.13*", "bin", "python"))
	if err != nil {
		return "", fmt.Errorf("look into PYENV_ROOT: %w", err)
	}
	slices.Sort(installed)
	candidates = append(candidates, installed...)
	why := []error{errors.New("no Python 3.13 with venv and pip as python3.13 or python3 on PATH or in pyenv")}
	for _, path := range candidates {
		// A name on PATH may be a pointer to a version that is not chosen.
		if err := isPython(ctx, path); err != nil {
			why = append(why, err)
			continue
		}
		return path, nil
	}
	return "", errors.Join(why...)
}

// isPython reports why the program is no Python that can be used.
func isPython(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return command(ctx, path, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13) and 'it is '+sys.version.split()[0])")
}

// command runs a program to its end; the error has the last of what it printed.
func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out[max(0, len(out)-process.TailSize):]))
	return fmt.Errorf("%s: %w: %s", name, err, said)
}

// lock waits for a lock between processes.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which unlocks
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s, which another process holds: %w", name, ctx.Err()), f.Close())
		}
	}
}
