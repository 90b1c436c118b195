package main

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this program the parent of what its commands leave behind,
// so that it can wait for their end. Otherwise they would count as alive until
// the first process of the machine or container has noticed, which in many
// containers never happens (source: PR_SET_CHILD_SUBREAPER(2const)).
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// reapGroup takes note of the processes of a group that have ended. The one that
// the group was started as must have been waited for.
func reapGroup(pid int) {
	for {
		if n, err := syscall.Wait4(-pid, nil, syscall.WNOHANG, nil); n <= 0 && err != syscall.EINTR {
			return
		}
	}
}

// awaitGroup waits for a group that was killed to be gone, if that takes no
// longer than limit.
func awaitGroup(pid int, limit time.Duration) {
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		reapGroup(pid)
		if !groupAlive(pid) || time.Now().After(end) {
			return
		}
	}
}
