package main

import (
	"errors"
	"syscall"

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
		if n, err := syscall.Wait4(-pid, nil, syscall.WNOHANG, nil); n <= 0 && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
