package orders

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is the first of January 2000
		for header, want := range map[string]struct {
			wait  time.Duration
			asked bool
		}{
			"":                              {time.Second, false},
			"soon":                          {time.Second, false},
			"-1":                            {time.Second, false},
			"1.5":                           {time.Second, false},
			"0":                             {time.Second, true},
			"7":                             {7 * time.Second, true},
			"3600":                          {time.Hour, true},
			"2000000000":                    {time.Hour, true},
			"99999999999999999999":          {time.Second, false},
			"Sat, 01 Jan 2000 00:01:00 GMT": {time.Minute, true},
			"Fri, 31 Dec 1999 00:01:00 GMT": {time.Second, true},
			"Sat, 01 Jan 9000 00:01:00 GMT": {time.Hour, true},
		} {
			if wait, asked := retryAfter(header); wait != want.wait || asked != want.asked {
				t.Errorf("%q: %v, %t; want %v, %t", header, wait, asked, want.wait, want.asked)
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sat, 01 Jan 2000 00:01:00 GMT")
	f.Fuzz(func(t *testing.T, header string) {
		if wait, _ := retryAfter(header); wait < minRetryAfter || wait > maxRetryAfter {
			t.Errorf("%q: %v", header, wait)
		}
	})
}
