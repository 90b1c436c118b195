//go:build unix

package process

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestEndLeavesNothingOfTheGroup(t *testing.T) {
	for name, text := range map[string]string{
		"ends when asked": `sleep 600 & echo $!; echo ready; trap 'exit 0' TERM; wait`,
		"has to be made":  `trap '' TERM; sleep 600 & echo $!; echo ready; while :; do sleep 1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("/bin/sh", "-c", text) //nolint:noctx // End ends it
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			p, err := Launch(cmd)
			if err != nil {
				t.Fatal(err)
			}
			child := readPID(t, lines)
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = p.End(ctx)
			if stubborn := name == "has to be made"; (err != nil) != stubborn {
				t.Errorf("end: %v; want an error if it had to be killed", err)
			}
			gone(t, p.PID())
			gone(t, child)
		})
	}
}

func TestWhatIsNoProgramIsAnError(t *testing.T) {
	if _, err := Launch(exec.Command("/nowhere")); err == nil { //nolint:noctx // it does not start
		t.Error("it was launched")
	}
}

func readPID(t *testing.T, r *bufio.Reader) int {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// gone waits until there is no such process, or only what is left of it until its
// parent asks.
func gone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if syscall.Kill(pid, 0) != nil || err == nil && bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still there", pid)
		}
	}
}
