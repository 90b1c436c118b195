package runtime

import (
	"fmt"
	"math"
	"time"
)

// Rate is a token bucket: how often tasks start. The zero value is no limit.
type Rate struct {
	// PerSecond is how many tasks start in a second, in the long run: above 0, at
	// most 1,000,000; 1.0/60 is one a minute.
	PerSecond float64
	// Burst is how many may start at once after a time in which fewer did: 1 to
	// 1,000,000. 0 stands for what PerSecond allows in 100 ms, at least 1. In no
	// window of time t do more than PerSecond × t + Burst tasks start.
	Burst int
}

const (
	maxWeight = 1000
	maxRate   = 1_000_000
	// burstTime is how long tokens gather when nobody says.
	burstTime = 100 * time.Millisecond
)

func (r Rate) limited() bool { return r.PerSecond != 0 }

func (r Rate) burst() int {
	if r.Burst == 0 {
		return max(1, int(math.Ceil(r.PerSecond*burstTime.Seconds())))
	}
	return r.Burst
}

func (r Rate) check() error {
	switch {
	case r == Rate{}:
	case !(r.PerSecond > 0 && r.PerSecond <= maxRate): // NaN neither
		return fmt.Errorf("rate %v a second is not above 0 and at most 1,000,000", r.PerSecond)
	case r.Burst < 0 || r.Burst > maxRate:
		return fmt.Errorf("burst %d is not within 1 to 1,000,000", r.Burst)
	}
	return nil
}

// checkConcurrency is about a limit of which 0 is none.
func checkConcurrency(n int) error {
	if n < 0 || n > maxConcurrency {
		return fmt.Errorf("concurrency %d is not within 1 to 100,000", n)
	}
	return nil
}

// MaxConcurrency is how many tasks of the kind a Worker runs at the same time, over
// all its queues: 1 to 100,000. By default only the Worker and the queue limit
// them.
//
// Those that wait keep their leases, and beyond as many as the Worker's Concurrency
// they hold up what is behind them in their queue: give a kind with a tight limit
// a queue of its own. A Lambda function and a push endpoint know no limits.
func MaxConcurrency(n int) HandleOption {
	return func(h *handler) {
		if n == 0 {
			n = -1
		}
		h.concurrency = n
	}
}

// RateLimit is how often a Worker starts tasks of the kind, over all its queues:
// so many in a second, above 0, and burst at once, 0 for the default; see [Rate]
// and, for those that wait, [MaxConcurrency].
func RateLimit(perSecond float64, burst int) HandleOption {
	return func(h *handler) {
		if perSecond == 0 {
			perSecond = -1
		}
		h.rate = Rate{PerSecond: perSecond, Burst: burst}
	}
}
