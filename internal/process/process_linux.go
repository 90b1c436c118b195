package process

import "syscall"

// ownGroup gives a process a group of its own, and its end with ours.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
