package main

import (
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// usage is the CPU time of this process and the time that it took.
type usage struct{ cpu, took time.Duration }

// share is of one core, where 1 is all of it.
func (u usage) share() float64 { return float64(u.cpu) / float64(u.took) }

// measure is the usage while f runs.
func measure(f func()) usage {
	began, used := time.Now(), load.CPUTime()
	f()
	return usage{load.CPUTime() - used, time.Since(began)}
}
