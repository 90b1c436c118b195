package sqs

import (
	"testing"
	"testing/synctest"
	"time"
)

// clockwork is a server whose clock is an hour behind.
type clockwork struct {
	skew
	drift time.Duration
}

// call is how late the answer of a request is that waits at the server, and on
// its way back.
func (c *clockwork) call(wait, way time.Duration, ofRequest bool) time.Duration {
	sent := time.Now()
	time.Sleep(wait)
	made := time.Now()
	time.Sleep(way)
	if ofRequest {
		made = sent
	}
	return c.late(sent, time.Now(), made.Add(-time.Hour-c.drift).Truncate(time.Second))
}

// waits are those of the polls of a queue; some bring something at once.
var waits = []time.Duration{0, 20 * time.Second, 10 * time.Millisecond, 2500 * time.Millisecond, 5300 * time.Millisecond, 0, 13 * time.Second}

func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clockwork{skew: skew{start: time.Now()}}
		if d := c.call(20*time.Second, time.Minute, false); d != 0 {
			t.Errorf("the first answer is %v late; want 0, as nothing is known", d)
		}
		for range 300 {
			for _, wait := range waits {
				if d := c.call(wait, 5*time.Millisecond, false); d != 0 {
					t.Fatalf("an answer after %v is %v late; want 0", wait, d)
				}
			}
			c.drift += 10 * time.Millisecond // the clocks drift apart
		}
		for _, way := range []time.Duration{2500 * time.Millisecond, time.Minute} {
			d := c.call(10*time.Second, way, false)
			if d < way-dateGrain || d > way+dateGrain {
				t.Errorf("an answer on its way for %v is %v late", way, d)
			}
		}
		if d := c.late(time.Now(), time.Now().Add(time.Minute), time.Now().Add(-24*time.Hour)); d != time.Minute {
			t.Errorf("an answer after a minute is %v late; want no more", d)
		}
		time.Sleep(2 * skewOld)
		if d := c.call(10*time.Second, time.Minute, false); d != 0 {
			t.Errorf("after a long silence an answer is %v late; want 0, as nothing is known", d)
		}
	})
}

// Where the server writes the time of the request nothing is late.
func TestSkewOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clockwork{skew: skew{start: time.Now()}}
		for range 300 {
			for _, wait := range waits {
				if d := c.call(wait, 5*time.Millisecond, true); d != 0 {
					t.Fatalf("an answer after %v is %v late; want 0", wait, d)
				}
			}
		}
	})
}
