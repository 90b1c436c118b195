package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// deadline is when a test gives up on what should come soon.
const deadline = 20 * time.Second

// newTestCommand makes a command whose output goes to the buffer.
func newTestCommand(t *testing.T, text string) (*command, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	c, err := newCommand(t.Context(), text, &lineOutput{to: &out, broken: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return c, &out
}

func TestExec(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", maxErrorText/16)
	tests := []struct {
		name, command, payload string
		want, err, output      string
	}{
		{"success", "cat", "hello", "ack", "", "hello\n"},
		{"payload as it is", "od -An -tx1", "a\x00\xff\r", "ack", "", " 61 00 ff 0d\n"},
		{"environment", `echo "$LONGSHORE_ID $LONGSHORE_KIND $LONGSHORE_ATTEMPT $LONGSHORE_MAX_ATTEMPTS"`, "x", "ack", "", "run-7 line 1 5\n"},
		{"several lines", "echo a; echo; printf b", "x", "ack", "", "a\n\nb\n"},
		{"65", "exit 65", "x", "bury", "exit status 65", ""},
		{"75", "exit 75", "x", "retry", "exit status 75", ""},
		{"1", "echo out; echo no good >&2; exit 1", "x", "retry", "exit status 1: no good", "out\n"},
		{"127", "true; no-such-command-here 2>/dev/null", "x", "retry", "exit status 127", ""},
		{"signal", "kill -9 $$", "x", "retry", "signal: killed", ""},
		{"standard input unread", "exit 0", strings.Repeat("x", 512<<10), "ack", "", ""},
		{"standard input unread and failed", "exec 0<&-; exit 3", strings.Repeat("x", 512<<10), "retry", "exit status 3", ""},
		{"long standard error", "printf cut >&2; cat >&2; exit 1", long, "retry", "exit status 1: " + long, ""},
		{"standard error of a success", "echo warning >&2", "x", "ack", "", ""},
		{"large output", "cat; echo; cat", strings.Repeat("x", 300<<10), "ack", "", strings.Repeat("x", 300<<10) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, out := newTestCommand(t, tt.command)

			d := decide(t.Context(), t, c.handle, tt.payload)

			if got := verdictOf(d); got != tt.want {
				t.Errorf("verdict %s, want %s", got, tt.want)
			}
			if got := text(d.Err); got != tt.err {
				t.Errorf("error %.100q, want %.100q", got, tt.err)
			}
			if got := out.String(); got != tt.output {
				t.Errorf("output %.100q, want %.100q", got, tt.output)
			}
			if len(c.processes.running) != 0 {
				t.Error("the command still counts as running")
			}
		})
	}
}

// gone waits until a process is no more.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	if err != nil {
		t.Fatalf("no process id: %v", err)
	}
	await(t, "end of process "+pid, func() bool {
		if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			return true
		}
		// One that nobody has waited for yet has ended too.
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(n) + "/stat")
		return err == nil && bytes.Contains(stat, []byte(") Z "))
	})
}

// await waits until a condition outside of this process or bubble holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look, late := time.NewTicker(time.Millisecond), time.After(deadline)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("no %s within %v", what, deadline)
		}
	}
}

func TestExecEndsWithItsTimeLimit(t *testing.T) {
	tests := []struct {
		name, command string
		want, err     string
		output        string
		killed        bool // after killAfter, which is long for those that need not be
	}{
		{"by SIGTERM", "sleep 600", "retry", "the handler's time limit has passed after 300ms: signal: terminated", "", false},
		{"gently", `trap "echo bye; exit 0" TERM; sleep 600 & wait`, "ack", "", "bye\n", false},
		{"gently, with a verdict", `trap "exit 65" TERM; sleep 600 & wait`, "bury", "exit status 65", "", false},
		{"by SIGKILL", `trap "" TERM; while :; do sleep 600; done`, "retry", "the handler's time limit has passed after 300ms: signal: killed", "", true},
		{"a child that needs time", `(trap "sleep 0.1; echo saved; exit" TERM; sleep 600 & wait) & wait`, "retry",
			"the handler's time limit has passed after 300ms: signal: terminated", "saved\n", false},
		{"a child that ignores it", `(trap "" TERM; while :; do sleep 600; done) & wait`, "retry",
			"the handler's time limit has passed after 300ms: signal: terminated", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pids := t.TempDir() + "/pid"
			c, out := newTestCommand(t, "echo $$ > "+pids+"; "+tt.command)
			c.killAfter = deadline
			if tt.killed {
				c.killAfter = 400 * time.Millisecond
			}
			began := time.Now()

			d := decide(t.Context(), t, c.handle, "x", runtime.Timeout(300*time.Millisecond))

			took := time.Since(began)
			if verdictOf(d) != tt.want || text(d.Err) != tt.err || out.String() != tt.output {
				t.Errorf("verdict %s, %q, output %q; want %s, %q, %q", verdictOf(d), text(d.Err), out, tt.want, tt.err, tt.output)
			}
			if waited := took >= 300*time.Millisecond+c.killAfter; waited != tt.killed {
				t.Errorf("it took %v, with %v from SIGTERM to SIGKILL", took, c.killAfter)
			}
			leader, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			pid, _ := strconv.Atoi(strings.TrimSpace(string(leader)))
			if groupAlive(pid) {
				t.Errorf("process group %d is still there", pid)
			}
		})
	}
}

func TestExecIsCutShort(t *testing.T) {
	for cause, want := range map[error]string{runtime.ErrDraining: "0s", runtime.ErrLeaseLost: "invalid"} {
		c, _ := newTestCommand(t, "sleep 600")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)

		d := decide(ctx, t, c.handle, "x")

		if got := verdictOf(d); got != want || !errors.Is(d.Err, cause) {
			t.Errorf("%v: verdict %s, %v; want %s", cause, got, d.Err, want)
		}
	}
}

func TestExecKillsWhatIsLeftRunning(t *testing.T) {
	c, out := newTestCommand(t, "sleep 600 & echo $!")
	began := time.Now()

	d := decide(t.Context(), t, c.handle, "x")

	if verdictOf(d) != "ack" || time.Since(began) > deadline {
		t.Errorf("verdict %s after %v", verdictOf(d), time.Since(began))
	}
	gone(t, out.String())
}

// A process that leaves the group keeps the pipes, and must not hold up the task
// once it is silent.
func TestExecLetsGoOfADaemon(t *testing.T) {
	if _, err := newCommand(t.Context(), "setsid true", nil); err != nil {
		t.Skip("there is no setsid here")
	}
	// It says who it is once it is on its own.
	t.Setenv("DAEMON", filepath.Join(t.TempDir(), "pid"))
	c, out := newTestCommand(t, `setsid sh -c 'echo $$ > "$DAEMON"; exec sleep 600' & until [ -s "$DAEMON" ]; do sleep 0.01; done; cat "$DAEMON"`)
	began := time.Now()

	d := decide(t.Context(), t, c.handle, strings.Repeat("x", 512<<10))

	if took := time.Since(began); verdictOf(d) != "ack" || took > deadline {
		t.Errorf("verdict %s after %v", verdictOf(d), took)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the daemon: %v", err)
	}
}

func TestKillAll(t *testing.T) {
	c, _ := newTestCommand(t, "sleep 600")
	decided := make(chan runtime.Decision)
	go func() { decided <- decide(context.Background(), t, c.handle, "x") }()
	await(t, "running command", func() bool {
		c.processes.mu.Lock()
		defer c.processes.mu.Unlock()
		return len(c.processes.running) > 0
	})

	c.processes.killAll()

	if d := <-decided; text(d.Err) != "signal: killed" {
		t.Errorf("the command ended with %v", d.Err)
	}
	if d := decide(t.Context(), t, c.handle, "x"); !errors.Is(d.Err, runtime.ErrDraining) {
		t.Errorf("another started, and ended with %v", d.Err)
	}
}

func TestNewCommandRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Mkdir("adirectory", 0o700), os.WriteFile("plain.txt", []byte("cat"), 0o600)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, command, want string }{
		{"empty", " ", "--exec is empty"},
		{"unknown", "no-such-command-here a b", `command "no-such-command-here" not found`},
		{"unknown path", "./no/such", `command "./no/such" not found`},
		{"a directory", "./adirectory", `command "./adirectory" not found`},
		{"not executable", "./plain.txt a", `command "./plain.txt" not found`},
		{"unknown in quotes", `"no such" a`, `command "no such" not found`},
		{"unknown in single quotes", "'no such'", `command "no such" not found`},
		{"unknown after an assignment", "A=1 B= no-such-command-here", `command "no-such-command-here" not found`},
		{"syntax", "if true; then", "the shell does not understand it"},
		{"quotes", "echo 'a", "the shell does not understand it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newCommand(t.Context(), tt.command, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNewCommandTakes(t *testing.T) {
	for _, text := range []string{
		"cat", "/bin/cat -n", "A=1 cat", "A=1", "cd /; ls", "if true; then cat; fi", "! true", "(exit 0)", "{ cat; }",
		"while read x; do echo $x; done", `"$HOME/no such"`, `"cat" -n`, "'/bin/cat'", "'no'such", `"no"such`, "$CMD", "test 1 = 1", "[ 1 = 1 ]", ": nothing", "#",
		"later () { cat; }; later", "later() { cat; }; later", "PATH=/elsewhere:$PATH not-here", "PATH=/elsewhere not-here",
	} {
		if _, err := newCommand(t.Context(), text, nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
