package sqs

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skew{start: time.Now()}
		const apart = -time.Hour // the server's clock is an hour ahead
		// answer is how late one is that took so long on its way.
		answer := func(way time.Duration) time.Duration {
			made := time.Now()
			time.Sleep(way)
			return s.late(time.Now(), made.Add(-apart).Truncate(time.Second))
		}
		for _, way := range []time.Duration{0, 10 * time.Millisecond, 900 * time.Millisecond} {
			if d := answer(way); d != 0 {
				t.Errorf("an answer on its way for %v is %v late; want 0, as the server's time is that coarse", way, d)
			}
		}
		for _, way := range []time.Duration{2 * time.Second, time.Minute} {
			if d := answer(way); d < way-time.Second || d > way+time.Second {
				t.Errorf("an answer on its way for %v is %v late", way, d)
			}
		}
		if d := s.late(time.Now(), time.Time{}); d != 0 {
			t.Errorf("an answer without a time is %v late", d)
		}
		// The clocks drift apart: what was the quickest once counts no more.
		for range 100 {
			time.Sleep(skewWindow)
			answer(0)
		}
		drifted := func(d time.Duration) time.Duration {
			return s.late(time.Now(), time.Now().Add(-apart-d).Truncate(time.Second))
		}
		time.Sleep(2 * skewWindow)
		drifted(10 * time.Second)
		time.Sleep(2 * skewWindow)
		drifted(10 * time.Second)
		if d := drifted(10 * time.Second); d != 0 {
			t.Errorf("after the clocks have drifted an answer is %v late; want 0", d)
		}
	})
}
