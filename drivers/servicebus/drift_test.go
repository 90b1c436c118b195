package servicebus

import (
	"testing"
	"testing/synctest"
	"time"
)

// A message that waited in the client for a time has so much less of its lock.
func TestALateMessageIsKnownForWhatItIs(t *testing.T) {
	const hold = time.Minute
	for name, ahead := range map[string]time.Duration{"same clock": 0, "broker ahead": time.Hour, "broker behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := drift{start: time.Now()}
				arrive := func(waited time.Duration) time.Duration {
					until := time.Now().Add(ahead + hold)
					time.Sleep(waited)
					return d.late(time.Now(), until.Round(0), hold)
				}
				for range 3 {
					if late := arrive(20 * time.Millisecond); late != 0 {
						t.Errorf("one that came at once is %v late", late)
					}
				}
				if late := arrive(20 * time.Second); late < 19*time.Second || late > 20*time.Second {
					t.Errorf("one that waited 20s is %v late", late)
				}
				if late := arrive(2 * hold); late != hold {
					t.Errorf("one that waited for longer than its lock is %v late; want %v", late, hold)
				}
				if late := arrive(time.Second); late != 0 {
					t.Errorf("one that waited for a second is %v late", late)
				}
				time.Sleep(4 * driftWindow) // by now the clocks may be anywhere
				if late := arrive(0); late != 0 {
					t.Errorf("after a long time one that came at once is %v late", late)
				}
			})
		})
	}
}
