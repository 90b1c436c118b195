package main

import (
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// usage is what this process has done and used so far.
type usage struct {
	at          time.Time
	tasks       int64
	allocations uint64
	cpu         time.Duration
}

func now(done *atomic.Int64) usage {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	return usage{time.Now(), done.Load(), sample[0].Value.Uint64(), load.CPUTime()}
}

// since is what was done after before.
func (u usage) since(before usage) measurement {
	tasks := float64(max(1, u.tasks-before.tasks))
	return measurement{
		perSecond:   float64(u.tasks-before.tasks) / u.at.Sub(before.at).Seconds(),
		allocations: float64(u.allocations-before.allocations) / tasks,
		cpu:         time.Duration(float64(u.cpu-before.cpu) / tasks),
	}
}
