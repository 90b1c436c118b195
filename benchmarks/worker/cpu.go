package main

import (
	"context"
	"syscall"
	"time"
)

// usage is the CPU time of this process and the time that it took.
type usage struct{ cpu, took time.Duration }

// share is of one core, where 1 is all of it.
func (u usage) share() float64 { return float64(u.cpu) / float64(u.took) }

// measure is the usage while f runs.
func measure(f func()) usage {
	began, used := time.Now(), cpuTime()
	f()
	return usage{cpuTime() - used, time.Since(began)}
}

// cpuTime is the user and system time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
