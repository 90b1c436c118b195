package runtime

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// DefaultMaxAttempts is how often a task is attempted when nobody says.
const DefaultMaxAttempts = 5

// RetryPolicy says how often and when a failed task is run again. The zero
// value is the default policy.
type RetryPolicy struct {
	// MaxAttempts is the attempt after whose failure a task is buried: 1 to
	// 1,000; 0 stands for DefaultMaxAttempts.
	MaxAttempts int
	// MaxDeliveries is after how many deliveries a task is buried as crashed
	// without being run: MaxAttempts to 10,000; 0 stands for twice MaxAttempts
	// and 2. It allows for deliveries that no handler has failed on, such as
	// those that a drain or the end of a process has cut short.
	MaxDeliveries int
	// Backoff is the longest delay before each retry; nil stands for
	// Exponential(1s, 10m).
	Backoff Backoff
	// NoJitter takes the backoff as it is. By default a retry comes after a time
	// spread evenly between 0 and the backoff (full jitter), so that tasks that
	// failed together do not come back together.
	NoJitter bool
	// Never lists errors that no retry can help, as errors.Is sees them: the
	// task is buried at once.
	Never []error
}

// Backoff is the longest delay after failed attempt n, from 1: 0 to 365 days;
// what is outside counts as the nearest of the two. It must be safe for concurrent
// use.
type Backoff func(n int) time.Duration

// Exponential doubles from base with each attempt, up to limit. Both are above
// 0.
func Exponential(base, limit time.Duration) Backoff {
	return func(n int) time.Duration {
		if d := float64(base) * math.Pow(2, float64(n-1)); d < float64(limit) {
			return time.Duration(d)
		}
		return limit // which, as a float64, may be over the largest Duration
	}
}

// Fixed is the same delay after every attempt, 0 or more.
func Fixed(d time.Duration) Backoff {
	return func(int) time.Duration { return d }
}

var defaultBackoff = Exponential(time.Second, 10*time.Minute)

func (p *RetryPolicy) maxAttempts() int {
	if p.MaxAttempts == 0 {
		return DefaultMaxAttempts
	}
	return p.MaxAttempts
}

// maxDeliveries is above what a task can reach by failing: it allows as many
// deliveries again that a drain or a crash cut short.
func (p *RetryPolicy) maxDeliveries() int {
	if p.MaxDeliveries == 0 {
		return 2*p.maxAttempts() + 2
	}
	return p.MaxDeliveries
}

// delay is the time before the attempt after failed attempt n of task id. Its
// jitter is a hash of both: spread over tasks like a random number, and the
// same when the same history is run again.
func (p *RetryPolicy) delay(id TaskID, n int) time.Duration {
	backoff := p.Backoff
	if backoff == nil {
		backoff = defaultBackoff
	}
	d := min(max(0, backoff(n)), maxDelay)
	if p.NoJitter {
		return d
	}
	return time.Duration(spread(string(id), n) * float64(d))
}

// spread maps key and n to [0, 1), evenly: FNV-1a, then a mix, because FNV's
// high bits vary little between similar keys.
func spread(key string, n int) float64 {
	x := uint64(14695981039346656037)
	for i := range len(key) {
		x = (x ^ uint64(key[i])) * 1099511628211
	}
	x = (x ^ uint64(n)) * 1099511628211
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

func (p *RetryPolicy) never(err error) bool {
	for _, target := range p.Never {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func (p *RetryPolicy) check() error {
	if p.MaxAttempts < 0 || p.MaxAttempts > 1000 {
		return fmt.Errorf("max attempts %d is not within 1 to 1000", p.MaxAttempts)
	}
	if n := p.MaxDeliveries; n != 0 && (n < p.maxAttempts() || n > 10_000) {
		return fmt.Errorf("max deliveries %d is not within max attempts %d to 10000", n, p.maxAttempts())
	}
	return nil
}
