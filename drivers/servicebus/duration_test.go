package servicebus

import (
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"PT1M": time.Minute, "PT30S": 30 * time.Second, "PT1M30.5S": 90*time.Second + 500*time.Millisecond, "P14D": 14 * 24 * time.Hour,
		"P1DT2H3M4S": 26*time.Hour + 3*time.Minute + 4*time.Second, "P10675199DT2H48M5.4775807S": driver.Unlimited, "PT0S": 0,
	} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "P", "PT", "1M", "PT1", "PTM", "PT1M1M", "PT1S1M", "P1Y", "PT-1S", "P1H", "PT1.1.1S"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("P1DT2H3M4.5S")
	f.Add("P10675199DT2H48M5.4775807S")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDuration(s); err == nil && d < 0 {
			t.Errorf("%q was read as %v", s, d)
		}
	})
}
