package envelope

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		text string
		want string // in UTC; empty when it is refused
	}{
		{"2025-06-01T12:00:00Z", "2025-06-01T12:00:00Z"},
		{"2025-06-01t12:00:00z", "2025-06-01T12:00:00Z"},
		{"2025-06-01T12:00:00+00:00", "2025-06-01T12:00:00Z"},
		{"2025-06-01T12:00:00-00:00", "2025-06-01T12:00:00Z"},
		{"2025-06-01T12:00:00+05:30", "2025-06-01T06:30:00Z"},
		{"2025-06-01T12:00:00-09:30", "2025-06-01T21:30:00Z"},
		{"2025-12-31T23:00:00-23:59", "2026-01-01T22:59:00Z"},
		{"2025-06-01T12:00:00.5Z", "2025-06-01T12:00:00.5Z"},
		{"2025-06-01T12:00:00.000000001+01:00", "2025-06-01T11:00:00.000000001Z"},
		{"2025-06-01T12:00:00.12345678999999Z", "2025-06-01T12:00:00.123456789Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		{"1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"},
		{"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"0000-12-31T23:30:00-01:00", "0001-01-01T00:30:00Z"},
		{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
		{"9999-12-31T23:59:59-00:01", ""},
		{"9999-12-31T23:59:60Z", ""},
		{"0000-12-31T23:59:59Z", ""},
		{"0001-01-01T00:00:00+00:01", ""},
		{"1900-02-29T00:00:00Z", ""},
		{"2025-02-29T00:00:00Z", ""},
		{"2025-04-31T00:00:00Z", ""},
		{"2025-13-01T00:00:00Z", ""},
		{"2025-00-01T00:00:00Z", ""},
		{"2025-01-00T00:00:00Z", ""},
		{"2025-01-32T00:00:00Z", ""},
		{"2025-06-01T24:00:00Z", ""},
		{"2025-06-01T12:60:00Z", ""},
		{"2025-06-01T12:00:60Z", ""},
		{"2025-06-01T12:00:61Z", ""},
		{"2025-06-01T12:00:00", ""},
		{"2025-06-01T12:00:00+0100", ""},
		{"2025-06-01T12:00:00+24:00", ""},
		{"2025-06-01T12:00:00+01:60", ""},
		{"2025-06-01T12:00:00+1:00", ""},
		{"2025-06-01T12:00:00 01:00", ""},
		{"2025-06-01T12:00:00.Z", ""},
		{"2025-06-01T12:00:00,5Z", ""},
		{"2025-06-01T12:00:00.5", ""},
		{"2025-06-01T12:00:00ZZ", ""},
		{"2025-06-01 12:00:00Z", ""},
		{"2025-06-01T2:00:00Z", ""},
		{"2025-6-01T12:00:00Z", ""},
		{"+025-06-01T12:00:00Z", ""},
		{"2025-06-01T12:00:-1Z", ""},
		{"12025-06-01T12:00:00Z", ""},
		{"2025-06-01T12:00Z", ""},
		{"2025-06-01", ""},
		{"1748779200", ""},
		{"", ""},
	}
	for _, test := range tests {
		got, ok := parseTime(test.text)
		if ok != (test.want != "") {
			t.Errorf("parseTime(%q) = %v, %v", test.text, got, ok)
			continue
		}
		if ok && got.Format(time.RFC3339Nano) != test.want {
			t.Errorf("parseTime(%q) = %s, want %s", test.text, got.Format(time.RFC3339Nano), test.want)
		}
		if other, sameOK := parseTime([]byte(test.text)); sameOK != ok || !other.Equal(got) {
			t.Errorf("parseTime(%q) differs between string and bytes", test.text)
		}
	}
}

// rfc3339 is the grammar, case aside.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzParseTime compares with time.Parse, which takes more than the grammar but
// knows neither lower case nor leap seconds.
func FuzzParseTime(f *testing.F) {
	f.Add("2025-06-01T12:00:00.5+05:30")
	f.Add("2024-02-29T23:59:59Z")
	f.Add("1990-12-31T23:59:60Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime(text)
		upper := strings.ToUpper(text)
		want, err := time.Parse(time.RFC3339, upper)
		switch wanted := rfc3339.MatchString(upper) && err == nil && validYear(want); {
		case ok && !rfc3339.MatchString(upper):
			t.Errorf("parseTime(%q) takes what is not in the grammar", text)
		case wanted && !ok:
			t.Errorf("parseTime(%q) refuses what time.Parse takes", text)
		case wanted && !got.Equal(want):
			t.Errorf("parseTime(%q) = %v, time.Parse has %v", text, got, want)
		case ok && !wanted && upper[17:19] != "60":
			t.Errorf("parseTime(%q) takes what time.Parse does not", text)
		}
	})
}

// Each day of the 400 years after which the calendar begins anew, the ends of February
// and of each of the years 1 to 9999, must be what package time makes of them, both ways.
func TestTimesAreThoseOfPackageTime(t *testing.T) {
	check := func(at time.Time) {
		want := at.Format(time.RFC3339Nano)
		if got := string(appendRFC3339(nil, at)); got != want {
			t.Fatalf("appendRFC3339 of %v: %s", at, got)
		}
		if got, ok := parseTime(want); !ok || !got.Equal(at) {
			t.Fatalf("parseTime of %s: %v, %v", want, got, ok)
		}
	}
	for day := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2300; day = day.AddDate(0, 0, 1) {
		check(day)
	}
	for year := 1; year <= 9999; year++ {
		check(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		check(time.Date(year, 3, 1, 0, 0, 0, -1, time.UTC))
		check(time.Date(year, 3, 1, 0, 0, 0, 0, time.UTC))
		check(time.Date(year, 12, 31, 23, 59, 59, 999_999_999, time.UTC))
	}
	for _, nanos := range []int{1, 10, 100, 1_000, 999, 100_000_000, 123_456_789, 120_000_000, 1_000_000} {
		check(time.Date(2026, 2, 28, 12, 34, 56, nanos, time.UTC))
	}
	zone := time.FixedZone("", 5*60*60+30*60)
	if got := string(appendRFC3339(nil, time.Date(2026, 1, 1, 3, 0, 0, 5, zone))); got != "2025-12-31T21:30:00.000000005Z" {
		t.Error(got)
	}
}
