package orders

import (
	"net/http"
	"strconv"
	"time"
)

// Bounds of what a Retry-After is heeded for. The upper one is the longest pause of a
// queue.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// retryAfter is how long a Retry-After header asks to wait, in seconds or until a
// time (RFC 9110, "Retry-After"), within 1 s to 1 h; 1 s and false where it asks
// nothing that can be read.
func retryAfter(header string) (wait time.Duration, asked bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(max(time.Duration(seconds)*time.Second, minRetryAfter), maxRetryAfter), true
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), minRetryAfter), maxRetryAfter), true
	}
	return minRetryAfter, false
}
