package runtime

import (
	"math"
	"time"
)

// gate is what limits the tasks of a queue or a kind. It is guarded by the mu of
// its schedule, on whose scale its times are.
type gate struct {
	places  int           // how many run at the same time at most; 0 for no limit
	running int           // how many do
	bucket  bucket        // how often they start
	paused  time.Duration // until when none starts
}

func newGate(concurrency int, r Rate) gate {
	return gate{places: concurrency, bucket: newBucket(r)}
}

func (g *gate) limited() bool { return g.places > 0 || g.bucket.limited() }

// opens says whether a task can start at now and otherwise when that may be: never
// where another has to end first.
func (g *gate) opens(now time.Duration) (open bool, at time.Duration) {
	switch {
	case g.places > 0 && g.running >= g.places:
		return false, never
	case g.paused > now:
		return false, g.paused
	case !g.bucket.limited():
		return true, 0
	}
	at = g.bucket.next(now)
	return at <= now, at
}

// start lets a task through, which can start at now.
func (g *gate) start(now time.Duration) {
	g.running++
	g.bucket.take(now)
}

// end takes back the place of a task and, if its handler did not run, its token.
func (g *gate) end(ran bool) {
	g.running--
	if !ran {
		g.bucket.giveBack()
	}
}

const never = time.Duration(math.MaxInt64)

// bucket holds tokens of which each start takes one. A zero bucket has no limit.
type bucket struct {
	most  float64       // tokens at a time
	has   float64       // tokens at the time of at
	at    time.Duration // of the last change
	ratio float64       // tokens a nanosecond
}

func newBucket(r Rate) bucket {
	if !r.limited() {
		return bucket{}
	}
	b := bucket{most: float64(r.burst()), ratio: r.PerSecond / float64(time.Second)}
	b.has = b.most
	return b
}

func (b *bucket) limited() bool { return b.most > 0 }

// tokens is how many there are at now.
func (b *bucket) tokens(now time.Duration) float64 {
	return min(b.most, b.has+float64(now-b.at)*b.ratio)
}

// next is when there is a token: now or later.
func (b *bucket) next(now time.Duration) time.Duration {
	has := b.tokens(now)
	if has >= 1 {
		return now
	}
	return now + max(1, time.Duration(math.Ceil((1-has)/b.ratio)))
}

func (b *bucket) take(now time.Duration) {
	if b.limited() {
		b.has, b.at = b.tokens(now)-1, now
	}
}

func (b *bucket) giveBack() {
	if b.limited() {
		b.has = min(b.most, b.has+1)
	}
}
