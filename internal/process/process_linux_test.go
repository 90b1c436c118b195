package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestAKilledProgramLeavesNoProcess runs itself as the program that is killed.
func TestAKilledProgramLeavesNoProcess(t *testing.T) {
	const env = "LONGSHORE_LAUNCH_AND_WAIT"
	if os.Getenv(env) != "" {
		p, err := Launch(exec.Command("sleep", "600")) //nolint:noctx // it ends with this program
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(p.PID())
		<-p.Done()
		return
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProgramLeavesNoProcess$")
	program.Env = append(os.Environ(), env+"=1")
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, bufio.NewReader(out))
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait() // it was killed
	gone(t, pid)
}
