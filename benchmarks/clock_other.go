//go:build !linux

package main

import (
	"runtime"
	"time"
)

// clock waits for points in time awake.
type clock struct{}

func newClock() (*clock, error) { return new(clock), nil }

// until waits for t, and lets others run meanwhile.
func (*clock) until(t time.Time) error {
	for time.Now().Before(t) {
		runtime.Gosched()
	}
	return nil
}

func (*clock) close() error { return nil }
