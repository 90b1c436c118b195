package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// callBackoff is the pause before call number try+1 of a call to a broker that
// keeps failing: 100 ms doubling to 10 s, of which half is jitter by key.
func callBackoff(try int, key string) time.Duration {
	longest := Exponential(100*time.Millisecond, 10*time.Second)(try)
	return longest/2 + time.Duration(spread(key, try)*float64(longest/2))
}

// maxRetryAfter is the longest that a broker's wish to wait is heeded: a time
// without bound would overflow, or end the polling for good.
const maxRetryAfter = time.Hour

// retryAfter is how long the broker asked to wait, or 0.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return min(e.RetryAfter, maxRetryAfter)
	}
	return 0
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
