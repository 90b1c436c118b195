package driver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func TestDeathRoundTrip(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	tests := []struct {
		name  string
		death driver.Death
		want  string
	}{
		{"least", driver.Death{Reason: "x"}, `{"v":1,"reason":"x"}`},
		{"all", driver.Death{Reason: driver.ReasonPermanent, Detail: "<no>", Attempts: 5, At: at, Queue: "orders"},
			`{"v":1,"reason":"permanent","attempts":5,"at":1770091506007,"queue":"orders","detail":"<no>"}`},
		{"limits", driver.Death{Reason: strings.Repeat("z", driver.MaxReason), Attempts: 1e9, At: endOfTime, Queue: strings.Repeat("q", driver.MaxSource)},
			`{"v":1,"reason":"` + strings.Repeat("z", 64) + `","attempts":1000000000,"at":253402300799999,"queue":"` + strings.Repeat("q", 100) + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := driver.EncodeDeath(tt.death)
			if err != nil || s != tt.want {
				t.Fatalf("EncodeDeath = %s, %v; want %s", s, err, tt.want)
			}
			got, err := driver.DecodeDeath(s)
			if err != nil || got != tt.death {
				t.Fatalf("DecodeDeath = %+v, %v; want %+v", got, err, tt.death)
			}
		})
	}
}

// The record always fits, whatever the detail and the queue's name are made of,
// and keeps as much of the detail as fits.
func TestDeathFits(t *testing.T) {
	for _, c := range []string{"x", "<", `"`, "\n", "\x01", "\xffa", "é", "€", "\U0001F600", "\u2028", "\x7f"} {
		t.Run(c, func(t *testing.T) {
			d := driver.Death{
				Reason: strings.Repeat("z", driver.MaxReason), Detail: strings.Repeat(c, 2*driver.MaxDetail), Attempts: 1e9,
				At: endOfTime, Queue: strings.Repeat(c, 2*driver.MaxSource),
			}
			s, err := driver.EncodeDeath(d)
			if err != nil {
				t.Fatal(err)
			}
			checkReserved(t, s)
			if len(s) < driver.MaxReserved-20 {
				t.Errorf("only %d of %d bytes used: the detail was cut more than needed", len(s), driver.MaxReserved)
			}
			got, err := driver.DecodeDeath(s)
			if err != nil {
				t.Fatal(err)
			}
			if got.Reason != d.Reason || got.Attempts != d.Attempts || !got.At.Equal(d.At) {
				t.Errorf("came back as %+v", got)
			}
			if !strings.HasSuffix(got.Detail, "…[cut]") || !strings.HasSuffix(got.Queue, "…[cut]") {
				t.Errorf("no mark on what was cut: %q, %q", got.Detail, got.Queue)
			}
		})
	}
}

// A count that a stranger wrote must not make a message that nobody can bury.
func TestDeathAttemptsStayAtTheLimit(t *testing.T) {
	s, err := driver.EncodeDeath(driver.Death{Reason: "crashed", Attempts: 1e9 + 1})
	if want := `{"v":1,"reason":"crashed","attempts":1000000000}`; err != nil || s != want {
		t.Errorf("got %s, %v; want %s", s, err, want)
	}
}

func TestEncodeDeathRefuses(t *testing.T) {
	tests := []struct {
		name  string
		death driver.Death
		want  string
	}{
		{"no reason", driver.Death{}, "reason has 0 bytes"},
		{"attempts", driver.Death{Reason: "x", Attempts: -1}, "attempts -1"},
		{"before 1970", driver.Death{Reason: "x", At: time.Unix(-1, 0)}, "at is not within"},
		{"after 9999", driver.Death{Reason: "x", At: endOfTime.Add(time.Second)}, "at is not within"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := driver.EncodeDeath(tt.death)
			wantRefusal(t, err, driver.InvalidArgument, "encode death record", tt.want)
		})
	}
}

func TestDecodeDeathRefuses(t *testing.T) {
	tests := []struct{ name, s, want string }{
		{"empty", "", "JSON object"},
		{"another type", `{"v":1,"reason":["secret-payload"]}`, "JSON object"},
		{"no version", `{"reason":"x"}`, "version 0"},
		{"a newer version", `{"v":2,"reason":"x"}`, "upgrade"},
		{"no reason", `{"v":1}`, "reason has 0 bytes"},
		{"a reason that is no token", `{"v":1,"reason":"No"}`, "byte 'N' at 0"},
		{"attempts", `{"v":1,"reason":"x","attempts":-1}`, "attempts -1"},
		{"time", `{"v":1,"reason":"x","at":-1}`, "at -1"},
		{"far time", `{"v":1,"reason":"x","at":253402300800000}`, "at 253402300800000"},
		{"too long", `{"v":1,"reason":"x"}` + strings.Repeat(" ", driver.MaxReserved), "1020 bytes exceed 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := driver.DecodeDeath(tt.s)
			wantRefusal(t, err, driver.InvalidArgument, "decode death record", tt.want)
			if d != (driver.Death{}) {
				t.Errorf("a refusal gave %+v", d)
			}
			if strings.Contains(err.Error(), "secret-payload") {
				t.Errorf("%v repeats what was received", err)
			}
		})
	}
}

func TestCheckReason(t *testing.T) {
	good := []string{
		"a", "z", "0", "9", "-", strings.Repeat("a", driver.MaxReason),
		driver.ReasonBrokerLimit, driver.ReasonExhausted, driver.ReasonPermanent, driver.ReasonUndecodable,
		driver.ReasonUnknownKind, driver.ReasonExpired, driver.ReasonCrashed, driver.ReasonMissingObject,
	}
	for _, s := range good {
		if err := driver.CheckReason(s); err != nil {
			t.Errorf("CheckReason(%q) = %v, want nil", s, err)
		}
	}
	for _, s := range []string{"", "A", "a b", "a_b", "a.b", "a/b", "a:b", "é", "a\x00", "`", "{", strings.Repeat("a", driver.MaxReason+1)} {
		if driver.CheckReason(s) == nil {
			t.Errorf("CheckReason(%q) = nil, want an error", s)
		}
	}
}

func FuzzDeath(f *testing.F) {
	for _, s := range []string{
		"", "{}", `null`, `{"v":1}`, `{"v":2,"reason":"x"}`, `{"v":1,"reason":"x"}`, `{"V":1,"Reason":"x"}`,
		`{"v":1,"reason":"permanent","attempts":5,"at":1770091506007,"queue":"orders","detail":"no"}`,
		`{"v":1,"reason":"x","at":0,"attempts":-0}`,
		`{"v":1,"reason":"x","detail":"` + strings.Repeat("<", 900) + `"}`,
		`{"v":1,"reason":"x","detail":"` + strings.Repeat("é", 450) + `"}`,
		`{"v":1,"reason":"x","queue":"` + strings.Repeat("é", 450) + `"}`,
		`{"v":1,"reason":"x","detail":"` + strings.Repeat("…[cut]", 100) + `"}`,
		`{"v":1,"reason":"x","detail":"` + strings.Repeat(`\u0001`, 150) + `"}`,
		`{"v":1,"reason":"x","detail":"\ud800\udc00\ud800"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := driver.DecodeDeath(s)
		if err != nil {
			if !driver.Is(err, driver.InvalidArgument) {
				t.Errorf("refused with %v", driver.CodeOf(err))
			}
			return
		}
		again := checkDeath(t, d)
		if third := checkDeath(t, again); third != again {
			t.Errorf("%+v came back as %+v", again, third)
		}
	})
}

// FuzzEncodeDeath goes the other way, from any values in range.
func FuzzEncodeDeath(f *testing.F) {
	f.Add(uint8(0), uint32(0), int64(0), "", "")
	f.Add(uint8(63), uint32(1e9), endOfTime.UnixMilli(), strings.Repeat("é", 60), strings.Repeat("\x01", 900))
	f.Add(uint8(63), uint32(1e9), endOfTime.UnixMilli(), strings.Repeat("<", 200), strings.Repeat("\U0001F600", 900))
	f.Fuzz(func(t *testing.T, reason uint8, attempts uint32, at int64, queue, detail string) {
		d := driver.Death{
			Reason: strings.Repeat("r", 1+int(reason)%driver.MaxReason), Attempts: int(attempts % (1e9 + 1)),
			Queue: driver.CutText(queue, driver.MaxSource), Detail: driver.CutText(detail, driver.MaxDetail),
		}
		if at %= endOfTime.UnixMilli() + 1; at > 0 {
			d.At = time.UnixMilli(at).UTC()
		}
		checkDeath(t, d)
	})
}

// checkDeath checks that a record in range is encoded within the limit, in
// ASCII, and comes back equal, but for a detail that had to be cut. It answers
// what came back.
func checkDeath(t *testing.T, d driver.Death) driver.Death {
	t.Helper()
	s, err := driver.EncodeDeath(d)
	if err != nil {
		t.Fatalf("%+v does not encode: %v", d, err)
	}
	checkReserved(t, s)
	got, err := driver.DecodeDeath(s)
	if err != nil {
		t.Fatalf("%s does not decode: %v", s, err)
	}
	want := d
	if kept, cut := strings.CutSuffix(got.Detail, "…[cut]"); cut && strings.HasPrefix(d.Detail, kept) {
		want.Detail = got.Detail
	}
	if got != want {
		t.Fatalf("%+v came back as %+v", d, got)
	}
	return got
}
