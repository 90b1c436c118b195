//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// Without process groups only the command itself can be ended, and not gently.
var (
	terminate = os.Kill
	kill      = os.Kill
)

func ownGroup(*exec.Cmd) {}

func signalGroup(pid int, s os.Signal) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Signal(s)
	}
}

func groupAlive(int) bool { return false }
