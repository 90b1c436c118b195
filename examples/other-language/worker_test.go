package otherlanguage_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const orders = `{"order": "first"}
{"order": "flaky"}
{"amount": 1}
{"order": "last"}
`

func TestWorkers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("the workers are in Python, and there is no python3 here: %v", err)
	}
	command := build(t)

	t.Run("exec", func(t *testing.T) {
		out, failed := longshore(t, command, "--exec", "./by_exec.py")
		check(t, out, failed)
	})

	t.Run("http", func(t *testing.T) {
		server := exec.CommandContext(t.Context(), python, "by_http.py", "0")
		pipe, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewReader(pipe)
		first, err := said.ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
		if err != nil || !ok {
			t.Fatalf("the server says %q (%v), not where it listens", first, err)
		}

		_, failed := longshore(t, command, "--http", url)

		if err := server.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(said)
		if err != nil {
			t.Fatal(err)
		}
		_ = server.Wait() // it was killed
		check(t, string(out), failed)
	})
}

// check looks at what the worker said, and at the error of the task that is dead.
func check(t *testing.T, out, failed string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	if want := []string{"paid first, attempt 1", "paid flaky, attempt 2", "paid last, attempt 1"}; !slices.Equal(lines, want) {
		t.Errorf("output %q, want %q", lines, want)
	}
	if want := "the task has no order"; !strings.HasSuffix(failed, want) {
		t.Errorf("the dead task's error is %q, want %q", failed, want)
	}
}

// build builds the command line.
func build(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the first takes long
	defer cancel()
	// Looking at the sources keeps a cached result from standing in for this test
	// when they have changed.
	for _, dir := range []string{"cmd", "runtime", "driver", "drivers", "internal"} {
		if err := filepath.WalkDir(filepath.Join("../..", dir), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	command := filepath.Join(t.TempDir(), "longshore")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", command, "../../cmd/longshore").CombinedOutput(); err != nil {
		t.Fatalf("building longshore: %v\n%s", err, text)
	}
	return command
}

// longshore runs the orders. It answers the output and the error of the only task
// that is dead.
func longshore(t *testing.T, command string, how ...string) (out, failed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "failed.jsonl")
	run := exec.CommandContext(ctx, command,
		append([]string{"run", "--queue", "mem://orders", "--backoff", "10ms", "--failed", file}, how...)...)
	var stdout, stderr bytes.Buffer
	run.Stdin, run.Stdout, run.Stderr = strings.NewReader(orders), &stdout, &stderr
	var exit *exec.ExitError
	if err := run.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("longshore run: %v, want exit code 1 as a task is dead\n%s", err, &stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var task struct{ Error string }
	if err := json.Unmarshal(data, &task); err != nil {
		t.Fatalf("failed tasks %q, want one: %v", data, err)
	}
	return stdout.String(), task.Error
}
