package driver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// endOfTime is the last millisecond that a record can hold.
var endOfTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)

func TestCarryRoundTrip(t *testing.T) {
	due := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	tests := []struct {
		name  string
		carry driver.Carry
		want  string
	}{
		{"zero", driver.Carry{}, `{"v":1}`},
		{"all", driver.Carry{Attempts: 1, NotBefore: due, Hops: 2, Snoozes: 3, Redrives: 4, IgnoreExpiry: true, FirstError: "no"},
			`{"v":1,"attempts":1,"notBefore":1770091506007,"hops":2,"snoozes":3,"redrives":4,"ignoreExpiry":true,"firstError":"no"}`},
		{"an error as it is written", driver.Carry{FirstError: `a<b> & "c" \`}, `{"v":1,"firstError":"a<b> & \"c\" \\"}`},
		{"ASCII only", driver.Carry{FirstError: "é€\U0001F600\u2028"}, `{"v":1,"firstError":"\u00e9\u20ac\ud83d\ude00\u2028"}`},
		{"limits", driver.Carry{Attempts: 1e9, NotBefore: endOfTime, Hops: 1e9, Snoozes: 1e9, Redrives: 1e9},
			`{"v":1,"attempts":1000000000,"notBefore":253402300799999,"hops":1000000000,"snoozes":1000000000,"redrives":1000000000}`},
		{"longest error of the widest characters", driver.Carry{FirstError: strings.Repeat("é", 100)},
			`{"v":1,"firstError":"` + strings.Repeat(`\u00e9`, 100) + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := driver.EncodeCarry(tt.carry)
			if err != nil || s != tt.want {
				t.Fatalf("EncodeCarry = %s, %v; want %s", s, err, tt.want)
			}
			got, err := driver.DecodeCarry(s)
			if err != nil || got != tt.carry {
				t.Fatalf("DecodeCarry = %+v, %v; want %+v", got, err, tt.carry)
			}
		})
	}
}

func TestCarryIsBroughtIntoRange(t *testing.T) {
	due := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	long := strings.Repeat("x", driver.MaxFirstError+1)
	tests := []struct {
		name        string
		carry, want driver.Carry
	}{
		{"due time rounds up", driver.Carry{NotBefore: due.Add(-time.Nanosecond)}, driver.Carry{NotBefore: due}},
		{"due time in another zone", driver.Carry{NotBefore: due.In(time.FixedZone("", 3600))}, driver.Carry{NotBefore: due}},
		{"due in 1970 stays a time", driver.Carry{NotBefore: time.Unix(0, 0)}, driver.Carry{NotBefore: time.UnixMilli(1).UTC()}},
		{"counters stay at the limit", driver.Carry{Attempts: 1e9 + 1, Hops: 1e9 + 2, Snoozes: 1e9 + 3, Redrives: 1e9 + 4},
			driver.Carry{Attempts: 1e9, Hops: 1e9, Snoozes: 1e9, Redrives: 1e9}},
		{"long error", driver.Carry{FirstError: long}, driver.Carry{FirstError: driver.CutText(long, driver.MaxFirstError)}},
		{"control characters", driver.Carry{FirstError: "\x1b[0m\xff"}, driver.Carry{FirstError: "\uFFFD[0m\uFFFD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := driver.EncodeCarry(tt.carry)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := driver.DecodeCarry(s); err != nil || got != tt.want {
				t.Errorf("came back as %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestEncodeCarryCutsTheError(t *testing.T) {
	got, err := driver.EncodeCarry(driver.Carry{FirstError: strings.Repeat("x", 500)})

	want := `{"v":1,"firstError":"` + strings.Repeat("x", driver.MaxFirstError-8) + `\u2026[cut]"}`
	if err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestEncodeCarryRefuses(t *testing.T) {
	tests := []struct {
		name  string
		carry driver.Carry
		want  string
	}{
		{"attempts", driver.Carry{Attempts: -1}, "attempts -1"},
		{"hops", driver.Carry{Hops: -1}, "hops -1"},
		{"snoozes", driver.Carry{Snoozes: -1}, "snoozes -1"},
		{"redrives", driver.Carry{Redrives: -1}, "redrives -1"},
		{"before 1970", driver.Carry{NotBefore: time.Unix(-1, 0)}, "notBefore"},
		{"half a millisecond before 1970", driver.Carry{NotBefore: time.Unix(0, -500_000)}, "notBefore"},
		{"after 9999", driver.Carry{NotBefore: endOfTime.Add(time.Millisecond)}, "notBefore"},
		{"a year whose milliseconds overflow into range", driver.Carry{NotBefore: time.Unix(18446744073709552, 0)}, "notBefore"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := driver.EncodeCarry(tt.carry)
			wantRefusal(t, err, driver.InvalidArgument, "encode carry", tt.want)
			if s != "" {
				t.Errorf("a refusal gave %q", s)
			}
		})
	}
}

func TestDecodeCarryRefuses(t *testing.T) {
	tests := []struct{ name, s, want string }{
		{"empty", "", "JSON object"},
		{"not JSON", "secret-payload", "JSON object"},
		{"another shape", `["secret-payload"]`, "JSON object"},
		{"another type", `{"v":1,"attempts":"secret-payload"}`, "JSON object"},
		{"two values", `{"v":1}{"v":1}`, "JSON object"},
		{"null", `null`, "version 0"},
		{"no version", `{"attempts":1}`, "version 0"},
		{"a version below 1", `{"v":-1}`, "version -1"},
		{"a newer version", `{"v":2}`, "upgrade"},
		{"negative", `{"v":1,"hops":-1}`, "hops -1"},
		{"too many", `{"v":1,"hops":1000000001}`, "hops 1000000001"},
		{"past time", `{"v":1,"notBefore":-1}`, "notBefore -1"},
		{"far time", `{"v":1,"notBefore":253402300800000}`, "notBefore 253402300800000"},
		{"too long", `{"v":1}` + strings.Repeat(" ", driver.MaxReserved), "1007 bytes exceed 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := driver.DecodeCarry(tt.s)
			wantRefusal(t, err, driver.InvalidArgument, "decode carry", tt.want)
			if c != (driver.Carry{}) {
				t.Errorf("a refusal gave %+v", c)
			}
			if strings.Contains(err.Error(), "secret-payload") {
				t.Errorf("%v repeats what was received", err)
			}
		})
	}
}

func TestDecodeCarryIgnoresUnknownFields(t *testing.T) {
	got, err := driver.DecodeCarry(`{"v":1,"later":{"x":[1]},"hops":2}`)
	if want := (driver.Carry{Hops: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestCarryIsZero(t *testing.T) {
	if !(driver.Carry{}).IsZero() {
		t.Error("the zero carry is not zero")
	}
	if c := (driver.Carry{NotBefore: time.Time{}.In(time.FixedZone("", 3600))}); !c.IsZero() {
		t.Error("a zero time with a location is not zero")
	}
	for _, c := range []driver.Carry{
		{Attempts: 1}, {NotBefore: time.Unix(1, 0)}, {Hops: 1}, {Snoozes: 1}, {Redrives: 1}, {IgnoreExpiry: true}, {FirstError: "x"},
	} {
		if c.IsZero() {
			t.Errorf("%+v is zero", c)
		}
	}
}

func TestCarryRedriven(t *testing.T) {
	c := driver.Carry{Attempts: 5, NotBefore: time.Unix(9, 0), Hops: 1, Snoozes: 2, Redrives: 3, FirstError: "first"}

	got := c.Redriven()

	want := driver.Carry{Hops: 1, Redrives: 4, IgnoreExpiry: true, FirstError: "first"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if c.Redrives != 3 {
		t.Error("the original was changed")
	}
}

// What a stranger wrote may be refused, but never panics; what is taken can be
// sent on without a loss.
func FuzzCarry(f *testing.F) {
	for _, s := range []string{
		"", "{}", `null`, `{"v":1}`, `{"v":2}`, `{"V":1,"ATTEMPTS":3}`, `{"v":1,"v":2}`,
		`{"v":1,"attempts":1,"notBefore":1770091506007,"hops":2,"snoozes":3,"redrives":4,"ignoreExpiry":true,"firstError":"no"}`,
		`{"v":1,"attempts":-0,"notBefore":0}`, `{"v":1,"attempts":1e3}`, `{"v":1,"hops":99999999999999999999}`,
		`{"v":1,"firstError":"` + strings.Repeat("<", 300) + `"}`,
		`{"v":1,"firstError":"` + strings.Repeat("é", 200) + `"}`,
		`{"v":1,"firstError":"` + strings.Repeat(`\u0001`, 150) + `"}`,
		`{"v":1,"firstError":"` + strings.Repeat("\xff", 200) + `"}`,
		`{"v":1,"firstError":"\ud800x\udc00…[cut]"}`,
		`{"v":1,"firstError":"` + strings.Repeat("…[cut]", 60) + `"}`,
		strings.Repeat("[", 1000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := driver.DecodeCarry(s)
		if err != nil {
			if !driver.Is(err, driver.InvalidArgument) {
				t.Errorf("refused with %v", driver.CodeOf(err))
			}
			return
		}
		checkCarry(t, c)
	})
}

// FuzzEncodeCarry goes the other way, from any values in range.
func FuzzEncodeCarry(f *testing.F) {
	f.Add(uint32(0), uint32(0), uint32(0), uint32(0), int64(0), false, "")
	f.Add(uint32(1e9), uint32(1e9), uint32(1e9), uint32(1e9), endOfTime.UnixMilli(), true, strings.Repeat("\x01", 300))
	f.Add(uint32(1), uint32(2), uint32(3), uint32(4), int64(1), true, strings.Repeat("é", 100))
	f.Add(uint32(1), uint32(2), uint32(3), uint32(4), int64(1), true, strings.Repeat("\U0001F600", 50))
	f.Fuzz(func(t *testing.T, attempts, hops, snoozes, redrives uint32, due int64, ignoreExpiry bool, firstError string) {
		count := func(n uint32) int { return int(n % (1e9 + 1)) }
		c := driver.Carry{
			Attempts: count(attempts), Hops: count(hops), Snoozes: count(snoozes), Redrives: count(redrives),
			IgnoreExpiry: ignoreExpiry, FirstError: driver.CutText(firstError, driver.MaxFirstError),
		}
		if due %= endOfTime.UnixMilli() + 1; due > 0 {
			c.NotBefore = time.UnixMilli(due).UTC()
		}
		checkCarry(t, c)
	})
}

// checkCarry checks that a carry in range is encoded within the limit, in
// ASCII, and comes back equal.
func checkCarry(t *testing.T, c driver.Carry) {
	t.Helper()
	s, err := driver.EncodeCarry(c)
	if err != nil {
		t.Fatalf("%+v does not encode: %v", c, err)
	}
	checkReserved(t, s)
	if got, err := driver.DecodeCarry(s); err != nil || got != c {
		t.Fatalf("%+v came back as %+v, %v", c, got, err)
	}
}

func checkReserved(t *testing.T, s string) {
	t.Helper()
	if len(s) > driver.MaxReserved {
		t.Fatalf("%d bytes: %s", len(s), s)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > 0x7F {
			t.Fatalf("byte 0x%02x at %d in %q", s[i], i, s)
		}
	}
}
