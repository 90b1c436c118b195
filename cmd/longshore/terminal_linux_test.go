package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/longshore-dev/longshore/driver"
)

// openTerminal makes a terminal of 100 columns: what is written to tty comes out
// of screen.
func openTerminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return screen, tty
}

// onTerminal runs the binary with its output on a terminal and answers what came
// there.
func onTerminal(t *testing.T, input io.Reader, args ...string) (code int, text string) {
	t.Helper()
	return onTerminalOf(t, "xterm", input, args...)
}

// onTerminalOf is onTerminal for a kind of terminal.
func onTerminalOf(t *testing.T, kind string, input io.Reader, args ...string) (code int, text string) {
	t.Helper()
	screen, tty := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), "TERM="+kind)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = t.TempDir(), input, tty, tty
	if input == nil {
		cmd.Stdin = tty
	}
	var shown bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&shown, screen) }) // until nobody has tty open
	err := cmd.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Error(err)
	}
	_ = tty.Close()
	reading.Wait()
	return cmd.ProcessState.ExitCode(), strings.ReplaceAll(shown.String(), "\r\n", "\n")
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	code, text := onTerminal(t, strings.NewReader("1\n2\n3\n"), "run", "--queue", "mem://x", "--concurrency", "1", "--exec",
		`read x; sleep 0.3; printf "line %s \033]0;title\007\n" $x; if [ $x = 2 ]; then printf "\033[31mred" >&2; exit 65; fi`)

	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		`line 1 \x1b]0;title\a` + "\n", `line 2 \x1b]0;title\a` + "\n", `line 3 \x1b]0;title\a` + "\n",
		`line 2 is dead after 1 attempt (permanent): exit status 65: \x1b[31mred` + "\n",
		"3 lines: 2 succeeded, 1 dead, 0 unfinished, 0 lost\n",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%q", want, text)
		}
	}
	if !regexp.MustCompile(`\[=*>?-*\]  \d/3  \d+/s`).MatchString(text) {
		t.Errorf("there is no bar:\n%q", text)
	}
	// The bar moves the cursor up and clears what follows, then a line begins at
	// the left edge, and nothing else may.
	if rest := strings.NewReplacer("\x1b[1A", "", "\x1b[J\r", "", "\n\r", "", "\x1b[J", "", "\n", "").Replace(text); strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' }) {
		t.Errorf("control characters come through:\n%q", rest)
	}
	if after := text[strings.LastIndex(text, "3 lines:"):]; strings.Contains(after, "[") {
		t.Errorf("there is a bar below the accounting:\n%q", after)
	}
}

func TestADumbTerminalGetsNoBar(t *testing.T) {
	t.Parallel()
	code, text := onTerminalOf(t, "dumb", strings.NewReader("1\n2\n3\n"), "run", "--queue", "mem://x", "--concurrency", "1", "--exec", "read x; sleep 0.2; echo got $x")

	want := "got 1\ngot 2\ngot 3\n3 lines: 3 succeeded, 0 dead, 0 unfinished, 0 lost\n"
	if code != 0 || !strings.HasPrefix(text, want) || strings.Contains(text, "\x1b") {
		t.Errorf("exit code %d, and it shows %q, want %q", code, text, want)
	}
}

// All that is printed must come, also when the run ends before the bar is drawn
// again.
func TestTerminalShowsEverythingOfAShortRun(t *testing.T) {
	t.Parallel()
	for range 5 {
		_, text := onTerminal(t, strings.NewReader("1\n2\n3\n4\n"), "run", "--queue", "mem://x", "--exec", "read x; echo got $x")
		for _, want := range []string{"got 1\n", "got 2\n", "got 3\n", "got 4\n", "4 lines: 4 succeeded"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("%q is not there once:\n%q", want, text)
			}
		}
	}
}

func TestTerminalIsNoInput(t *testing.T) {
	t.Parallel()
	code, text := onTerminal(t, nil, "run", "--queue", "mem://x", "--exec", "cat")
	if want := "longshore: standard input is a terminal; pipe the lines into it\nfor example: git ls-files | longshore run ...\n"; code != 2 || text != want {
		t.Errorf("exit code %d, and it says\n%q", code, text)
	}
}

func TestDLQDiscardAsksOnATerminal(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"y": "y\n", "yes": " Yes\n", "n": "n\n", "nothing": "\n", "something": "yesterday\n", "end": "\x04"} {
		deleted := strings.HasPrefix(name, "y")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newMemQueue(t, "")
			q.bury(t, "a", "mail", driver.ReasonPermanent, "boom")
			screen, tty := openTerminal(t)
			if _, err := io.WriteString(screen, answer); err != nil {
				t.Fatal(err)
			}
			code := execute([]string{"dlq", "discard", "--queue", q.url, "--kind", "mail"}, streams{in: tty, out: tty, err: tty})
			_ = tty.Close()
			shown, _ := io.ReadAll(screen) // it ends with an error, as nobody has tty open

			if !strings.Contains(string(shown), `delete all dead letters of "`+strings.TrimPrefix(q.url, "mem://")+`" with --kind mail for good? [y/N] `) {
				t.Errorf("it does not ask but says\n%s", shown)
			}
			if deleted {
				q.stats(t, 0, 0)
			} else {
				q.stats(t, 0, 1)
			}
			if (code == exitOK) != deleted || strings.Contains(string(shown), "nothing was deleted") == deleted {
				t.Errorf("exit code %d, and it says\n%s", code, shown)
			}
		})
	}
}
