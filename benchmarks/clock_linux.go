package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// early is how long before a time the clock wakes, to wait for the rest awake: a
// timer of Go may be a millisecond late when a process has nothing to do.
const early = 100 * time.Microsecond

// clock waits for points in time by a timer of the kernel. It is for one goroutine,
// which leaves its processor to others while it waits.
type clock struct{ timer *os.File }

func newClock() (*clock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &clock{os.NewFile(uintptr(fd), "timer")}, nil
}

// until waits for t.
func (c *clock) until(t time.Time) error {
	if rest := time.Until(t) - early; rest > 0 {
		control, err := c.timer.SyscallConn()
		if err != nil {
			return err
		}
		var set error
		err = control.Control(func(fd uintptr) {
			set = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(rest.Nanoseconds())}, nil)
		})
		if err == nil {
			err = os.NewSyscallError("timerfd_settime", set)
		}
		if err != nil {
			return err
		}
		var expirations [8]byte
		if _, err := c.timer.Read(expirations[:]); err != nil {
			return err
		}
	}
	for time.Now().Before(t) {
	}
	return nil
}

func (c *clock) close() error { return c.timer.Close() }
