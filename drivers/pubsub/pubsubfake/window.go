package pubsubfake

import "time"

// Bounds of a push window and of push backoff (Google Pub/Sub documentation, "Push
// subscriptions", delivery rate and push backoff). The page says of the first window
// only that it has a single digit. Beyond 3,000 the service goes on linearly; this
// server does not.
const (
	firstWindow = 4
	maxWindow   = 3000

	minPause = 100 * time.Millisecond
	maxPause = time.Minute
)

// window is how many requests of a push subscription may be under way, and from when
// on new ones may begin. Its fields are guarded by the server's mu.
type window struct {
	size   int           // at least 1
	until  time.Duration // no request begins before
	pauses int           // since the last success
	round  int           // number of the last pause
}

// open says whether one more request may begin.
func (w *window) open(flying int, now time.Duration) bool { return flying < w.size && now >= w.until }

// succeed widens the window by one, so that it has doubled when all of its requests
// have succeeded.
func (w *window) succeed() {
	w.size = min(w.size+1, maxWindow)
	w.pauses = 0
}

// fail halves the window and begins a pause, twice as long as the one before. What
// fails of the requests that were under way when a pause began does not begin
// another: round is that of when the request began.
func (w *window) fail(round int, now time.Duration) {
	w.size = max(w.size/2, 1)
	if round != w.round {
		return
	}
	w.until = now + pauseOf(w.pauses)
	w.pauses++
	w.round++
}

// pauseOf is how long a pause is after a number of others.
func pauseOf(before int) time.Duration {
	d := minPause
	for range before {
		if d >= maxPause/2 {
			return maxPause
		}
		d *= 2
	}
	return d
}
