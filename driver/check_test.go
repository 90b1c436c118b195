package driver_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func TestCheckMessage(t *testing.T) {
	key := strings.Repeat("k", driver.MaxKey)
	tests := []struct {
		name   string
		caps   func(*driver.Capabilities) // nil: all that ordinary has
		change func(*driver.Message)
		code   driver.Code
		want   string // empty: taken
	}{
		{"least", nil, func(m *driver.Message) {}, 0, ""},
		{"longest body", nil, func(m *driver.Message) { m.Body = make([]byte, 100) }, 0, ""},
		{"empty body", nil, func(m *driver.Message) { m.Body = nil }, driver.InvalidArgument, "body is empty"},
		{"body too long", nil, func(m *driver.Message) { m.Body = make([]byte, 101) }, driver.TooLarge, "101 bytes exceeds 100"},
		{"binary body", nil, func(m *driver.Message) { m.Body = []byte{0, 255} }, 0, ""},
		{"binary body on a text queue", textBody, func(m *driver.Message) { m.Body = []byte{0} }, driver.InvalidArgument, "character set"},
		{"invalid UTF-8 on a text queue", textBody, func(m *driver.Message) { m.Body = []byte{255} }, driver.InvalidArgument, "character set"},
		{"text body on a text queue", textBody, func(m *driver.Message) { m.Body = []byte("é\n") }, 0, ""},

		{"longest delay", nil, func(m *driver.Message) { m.Delay = 15 * time.Minute }, 0, ""},
		{"delay too long", nil, func(m *driver.Message) { m.Delay = 15*time.Minute + 1 }, driver.InvalidArgument, "exceeds 15m0s"},
		{"absurd delay", nil, func(m *driver.Message) { m.Delay = driver.Unlimited }, driver.InvalidArgument, "exceeds 15m0s"},
		{"negative delay", nil, func(m *driver.Message) { m.Delay = -1 }, driver.InvalidArgument, "negative"},
		{"delay not supported", func(c *driver.Capabilities) { c.SendDelay, c.MaxSendDelay = driver.Support{}, 0 },
			func(m *driver.Message) { m.Delay = 1 }, driver.Unsupported, "delay of 1ns"},
		{"emulated delay", func(c *driver.Capabilities) { c.SendDelay.Level = driver.LevelEmulated },
			func(m *driver.Message) { m.Delay = 1 }, 0, ""},

		{"all keys", nil, func(m *driver.Message) { m.GroupKey, m.FairnessKey, m.DedupKey, m.SendID = key, key, key, key }, 0, ""},
		{"group key not supported", func(c *driver.Capabilities) { c.Ordered = false },
			func(m *driver.Message) { m.GroupKey = "k" }, driver.Unsupported, "group key"},
		{"fairness key not supported", func(c *driver.Capabilities) { c.Fairness = driver.Support{} },
			func(m *driver.Message) { m.FairnessKey = "k" }, driver.Unsupported, "fairness key"},
		{"deduplication key not supported", func(c *driver.Capabilities) { c.Dedup = driver.Support{} },
			func(m *driver.Message) { m.DedupKey = "k" }, driver.Unsupported, "deduplication key"},
		{"a send id needs no support", func(c *driver.Capabilities) { c.Dedup = driver.Support{} },
			func(m *driver.Message) { m.SendID = "k" }, 0, ""},
		{"group key", nil, func(m *driver.Message) { m.GroupKey = "a b" }, driver.InvalidArgument, "group key: byte 0x20 at 1"},
		{"fairness key", nil, func(m *driver.Message) { m.FairnessKey = key + "k" }, driver.InvalidArgument, "fairness key: 129 bytes"},
		{"deduplication key", nil, func(m *driver.Message) { m.DedupKey = "é" }, driver.InvalidArgument, "deduplication key: byte 0xc3 at 0"},
		{"send id", nil, func(m *driver.Message) { m.SendID = "a\x7f" }, driver.InvalidArgument, "send id: byte 0x7f at 1"},

		{"most attributes", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a": "1", "b": "2", "c": "3"} }, 0, ""},
		{"too many attributes", nil, func(m *driver.Message) {
			m.Attributes = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
		}, driver.InvalidArgument, "4 attributes exceed 3"},
		{"attribute name", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a b": "1"} }, driver.InvalidArgument, `"a b"`},
		{"reserved attribute", nil, func(m *driver.Message) { m.Attributes = map[string]string{driver.AttributeDeath: "1"} },
			driver.InvalidArgument, "reserved"},
		{"longest value", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a": strings.Repeat("v", 20)} }, 0, ""},
		{"value too long", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a": strings.Repeat("v", 21)} },
			driver.InvalidArgument, `"a" has a value of 21 bytes; want 1 to 20`},
		{"empty value", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a": ""} }, driver.InvalidArgument, "0 bytes"},
		{"value is not text", nil, func(m *driver.Message) { m.Attributes = map[string]string{"a": "\x00"} }, driver.InvalidArgument, "not text"},

		{"reserved attributes do not count", nil, func(m *driver.Message) {
			m.Attributes = map[string]string{"a": "1", "b": "2", "c": "3"}
			m.Carry, m.Death = driver.Carry{Hops: 1}, &driver.Death{Reason: "x"}
		}, 0, ""},
		{"carry", nil, func(m *driver.Message) { m.Carry.Hops = -1 }, driver.InvalidArgument, "hops -1"},
		{"death", nil, func(m *driver.Message) { m.Death = &driver.Death{} }, driver.InvalidArgument, "reason has 0 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caps := ordinary()
			if tt.caps != nil {
				tt.caps(&caps)
			}
			m := driver.Message{Body: []byte("x")}
			tt.change(&m)
			wantResult(t, driver.CheckMessage("mem: send", &caps, &m), tt.code, "mem: send", tt.want)
		})
	}
}

func textBody(c *driver.Capabilities) { c.TextBody = true }

// Errors go to logs, where no payload and nothing personal may stand.
func TestCheckMessageRepeatsNoContent(t *testing.T) {
	caps := ordinary()
	caps.TextBody = true
	for name, m := range map[string]driver.Message{
		"body":         {Body: []byte("secret\x00")},
		"long body":    {Body: []byte(strings.Repeat("secret", 100))},
		"value":        {Body: []byte("x"), Attributes: map[string]string{"a": "secret\x00"}},
		"long value":   {Body: []byte("x"), Attributes: map[string]string{"a": strings.Repeat("secret", 10)}},
		"group key":    {Body: []byte("x"), GroupKey: "secret key"},
		"fairness key": {Body: []byte("x"), FairnessKey: strings.Repeat("secret", 100)},
		"first error":  {Body: []byte("x"), Carry: driver.Carry{Hops: -1, FirstError: "secret"}},
	} {
		err := driver.CheckMessage("send", &caps, &m)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v; want an error that does not repeat it", name, err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	for b := range 256 {
		s := "k" + string([]byte{byte(b)})
		if got, want := driver.CheckKey(s) == nil, b > ' ' && b < 0x7F; got != want {
			t.Errorf("CheckKey takes byte 0x%02x: %v, want %v", b, got, want)
		}
	}
	if driver.CheckKey("") == nil || driver.CheckKey(strings.Repeat("k", driver.MaxKey+1)) == nil {
		t.Error("CheckKey takes a key that is empty or too long")
	}
	if err := driver.CheckKey(strings.Repeat("k", driver.MaxKey)); err != nil {
		t.Errorf("the longest key: %v", err)
	}
}

func TestCheckAttributeName(t *testing.T) {
	good := []string{
		"a", "Z", "0", "-", "_", "a.b", "a.b.c", "-._", "ce-type", "content_type", "long", "Goo", "aws", "amazon", "dead-letter",
		"my-longshore", strings.Repeat("n", driver.MaxAttributeName),
	}
	for _, name := range good {
		if err := driver.CheckAttributeName(name); err != nil {
			t.Errorf("CheckAttributeName(%q) = %v, want nil", name, err)
		}
	}
	bad := []string{
		"", ".", ".a", "a.", "a..b", "a b", "a/b", "a:b", "é", "a\x00", "a\n", strings.Repeat("n", driver.MaxAttributeName+1),
		"longshore", "longshore-death", "Longshore", "LONGSHOREMAN", "longshore.x",
		"AWS.x", "aws.x", "Amazon.x", "goog", "googclient_x", "GOOGLE", "CloudPubSubDeadLetterSourceDeliveryCount", "DeadLetterReason",
	}
	for _, name := range bad {
		if driver.CheckAttributeName(name) == nil {
			t.Errorf("CheckAttributeName(%q) = nil, want an error", name)
		}
	}
	for b := range 256 {
		name := "a" + string([]byte{byte(b)}) + "b"
		want := b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '_' || b == '.'
		if got := driver.CheckAttributeName(name) == nil; got != want {
			t.Errorf("CheckAttributeName takes byte 0x%02x: %v, want %v", b, got, want)
		}
	}
}

func TestCheckSettlement(t *testing.T) {
	noDelay := func(c *driver.Capabilities) { c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{}, 0 }
	tests := []struct {
		name string
		caps func(*driver.Capabilities)
		s    driver.Settlement
		dead bool
		code driver.Code
		want string
	}{
		{"ack", nil, driver.Settlement{Verdict: driver.Ack}, false, 0, ""},
		{"ack on a dead letter", nil, driver.Settlement{Verdict: driver.Ack}, true, 0, ""},
		{"ack with a delay", nil, driver.Settlement{Verdict: driver.Ack, Delay: 1}, false, driver.InvalidArgument, "not with ack"},
		{"zero verdict", nil, driver.Settlement{}, false, driver.InvalidArgument, "verdict 0 is invalid"},
		{"zero verdict with a delay", nil, driver.Settlement{Delay: 1}, false, driver.InvalidArgument, "not with invalid"},
		{"verdict out of range", nil, driver.Settlement{Verdict: driver.Redrive + 1}, true, driver.InvalidArgument, "verdict 5 is invalid"},

		{"release", noDelay, driver.Settlement{Verdict: driver.Release}, false, 0, ""},
		{"longest release", nil, driver.Settlement{Verdict: driver.Release, Delay: 2 * time.Hour}, false, 0, ""},
		{"release on a dead letter", nil, driver.Settlement{Verdict: driver.Release, Delay: 1}, true, 0, ""},
		{"release too long", nil, driver.Settlement{Verdict: driver.Release, Delay: 2*time.Hour + 1}, false, driver.InvalidArgument, "exceeds 2h0m0s"},
		{"absurd release", nil, driver.Settlement{Verdict: driver.Release, Delay: driver.Unlimited}, false, driver.InvalidArgument, "exceeds 2h0m0s"},
		{"negative release", nil, driver.Settlement{Verdict: driver.Release, Delay: -1}, false, driver.InvalidArgument, "negative"},
		{"release with a delay not supported", noDelay, driver.Settlement{Verdict: driver.Release, Delay: 1}, false, driver.Unsupported, "not supported"},

		{"bury", nil, driver.Settlement{Verdict: driver.Bury, Reason: "x", Detail: strings.Repeat("d", 2000)}, false, 0, ""},
		{"bury with carry", nil, driver.Settlement{Verdict: driver.Bury, Reason: "x", Carry: &driver.Carry{Attempts: 1}}, false, 0, ""},
		{"bury with a bad carry", nil, driver.Settlement{Verdict: driver.Bury, Reason: "x", Carry: &driver.Carry{Attempts: -1}}, false, driver.InvalidArgument, "attempts -1"},
		{"bury without reason", nil, driver.Settlement{Verdict: driver.Bury}, false, driver.InvalidArgument, "reason has 0 bytes"},
		{"bury with a delay", nil, driver.Settlement{Verdict: driver.Bury, Reason: "x", Delay: 1}, false, driver.InvalidArgument, "not with bury"},
		{"bury on a dead letter", nil, driver.Settlement{Verdict: driver.Bury, Reason: "x"}, true, driver.InvalidArgument, "bury on a dead letter"},

		{"redrive", nil, driver.Settlement{Verdict: driver.Redrive}, true, 0, ""},
		{"redrive with a delay", nil, driver.Settlement{Verdict: driver.Redrive, Delay: 1}, true, driver.InvalidArgument, "not with redrive"},
		{"redrive on a queue", nil, driver.Settlement{Verdict: driver.Redrive}, false, driver.InvalidArgument, "redrive on a queue"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caps := ordinary()
			if tt.caps != nil {
				tt.caps(&caps)
			}
			tt.s.Lease = lease{}
			wantResult(t, driver.CheckSettlement("mem: settle", &caps, &tt.s, tt.dead), tt.code, "mem: settle", tt.want)
		})
	}
	t.Run("no lease", func(t *testing.T) {
		caps := ordinary()
		err := driver.CheckSettlement("mem: settle", &caps, &driver.Settlement{Verdict: driver.Ack}, false)
		wantRefusal(t, err, driver.InvalidArgument, "mem: settle", "no lease")
	})
}

func TestVerdictAndLevelNames(t *testing.T) {
	for want, v := range map[string]driver.Verdict{"ack": driver.Ack, "release": driver.Release, "bury": driver.Bury, "redrive": driver.Redrive} {
		if got := v.String(); got != want {
			t.Errorf("verdict %d is %q, want %q", v, got, want)
		}
	}
	for want, l := range map[string]driver.Level{
		"unsupported": driver.LevelUnsupported, "emulated": driver.LevelEmulated, "native": driver.LevelNative, "invalid": driver.LevelNative + 1,
	} {
		if got := l.String(); got != want {
			t.Errorf("level %d is %q, want %q", l, got, want)
		}
	}
	if got := (driver.Verdict(0)).String(); got != "invalid" {
		t.Errorf("the zero verdict is %q, want invalid", got)
	}
}

func TestCheckReceive(t *testing.T) {
	fixed := func(c *driver.Capabilities) { c.FixedHold = true }
	tests := []struct {
		name string
		caps func(*driver.Capabilities)
		o    driver.ReceiveOptions
		want string
	}{
		{"least", nil, driver.ReceiveOptions{Max: 1}, ""},
		{"most", nil, driver.ReceiveOptions{Max: 10, Wait: time.Hour, Hold: time.Hour}, ""},
		{"shortest hold", nil, driver.ReceiveOptions{Max: 1, Hold: time.Second}, ""},
		{"max 0", nil, driver.ReceiveOptions{}, "max 0 is not within 1 to 10"},
		{"max below 0", nil, driver.ReceiveOptions{Max: -1}, "max -1"},
		{"max too many", nil, driver.ReceiveOptions{Max: 11}, "max 11"},
		{"negative wait", nil, driver.ReceiveOptions{Max: 1, Wait: -1}, "wait -1ns is negative"},
		{"hold too short", nil, driver.ReceiveOptions{Max: 1, Hold: time.Second - 1}, "not within 1s to 1h0m0s"},
		{"hold too long", nil, driver.ReceiveOptions{Max: 1, Hold: time.Hour + 1}, "not within 1s to 1h0m0s"},
		{"negative hold", nil, driver.ReceiveOptions{Max: 1, Hold: -time.Minute}, "not within 1s to 1h0m0s"},
		{"a fixed hold is compared by the driver", fixed, driver.ReceiveOptions{Max: 1, Hold: 7 * time.Hour}, ""},
		{"max with a fixed hold", fixed, driver.ReceiveOptions{Max: 11}, "max 11"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caps := ordinary()
			if tt.caps != nil {
				tt.caps(&caps)
			}
			wantResult(t, driver.CheckReceive("mem: receive", &caps, tt.o), driver.InvalidArgument, "mem: receive", tt.want)
		})
	}
}

func TestCheckTotal(t *testing.T) {
	received := time.Unix(1_000_000, 0)
	tests := []struct {
		name    string
		total   time.Duration
		elapsed time.Duration
		d       time.Duration
		want    string
	}{
		{"all of it at once", 12 * time.Hour, 0, 12 * time.Hour, ""},
		{"too much at once", 12 * time.Hour, 0, 12*time.Hour + 1, "exceeds the 12h0m0s left of 12h0m0s"},
		{"what is left", 12 * time.Hour, 11 * time.Hour, time.Hour, ""},
		{"more than is left", 12 * time.Hour, 11 * time.Hour, time.Hour + 1, "exceeds the 1h0m0s left"},
		{"nothing is left", 12 * time.Hour, 13 * time.Hour, 1, "exceeds the 0s left"},
		{"released at once when nothing is left", 12 * time.Hour, 13 * time.Hour, 0, ""},
		{"no limit", driver.Unlimited, 10_000 * time.Hour, driver.Unlimited, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			caps := ordinary()
			caps.MaxTotalHold = tt.total
			err := driver.CheckTotal("mem: extend", &caps, lease{received: received}, tt.d, received.Add(tt.elapsed))
			wantResult(t, err, driver.InvalidArgument, "mem: extend", tt.want)
		})
	}
}

func TestRoundUp(t *testing.T) {
	tests := []struct{ grain, d, want time.Duration }{
		{time.Second, 0, 0},
		{time.Second, 1, time.Second},
		{time.Second, time.Second, time.Second},
		{time.Second, time.Second + 1, 2 * time.Second},
		{time.Minute, 61 * time.Second, 2 * time.Minute},
		{0, 17, 17},
		{time.Second, -1, -1},
		{time.Second, driver.Unlimited, driver.Unlimited},
		{time.Second, driver.Unlimited - 1, driver.Unlimited},
		{time.Nanosecond, driver.Unlimited, driver.Unlimited},
		{time.Second, driver.Unlimited - driver.Unlimited%time.Second, driver.Unlimited - driver.Unlimited%time.Second},
	}
	for _, tt := range tests {
		caps := driver.Capabilities{HoldGrain: tt.grain}
		if got := driver.RoundUp(&caps, tt.d); got != tt.want {
			t.Errorf("RoundUp(%v) to %v = %v, want %v", tt.d, tt.grain, got, tt.want)
		}
	}
}

func TestCheckBatch(t *testing.T) {
	if err := driver.CheckBatch("mem: send", 10, 10); err != nil {
		t.Errorf("a full batch: %v", err)
	}
	wantRefusal(t, driver.CheckBatch("mem: send", 11, 10), driver.InvalidArgument, "mem: send", "11 items exceed 10")
}

func TestFailFillsEverySlot(t *testing.T) {
	gone := errors.New("gone")
	for n := range 3 {
		send, extend, settle := driver.FailSend(n, gone), driver.FailExtend(n, gone), driver.FailSettle(n, gone)
		if len(send) != n || len(extend) != n || len(settle) != n {
			t.Fatalf("%d, %d and %d results for %d items", len(send), len(extend), len(settle), n)
		}
		for i := range n {
			if send[i] != (driver.SendResult{Err: gone}) || extend[i] != (driver.ExtendResult{Err: gone}) || settle[i] != gone {
				t.Errorf("slot %d of %d: %v, %v, %v", i, n, send[i], extend[i], settle[i])
			}
		}
	}
}

func TestUnreportedIsNoNumber(t *testing.T) {
	s := driver.Stats{
		Ready: driver.Unreported, Leased: driver.Unreported, Delayed: driver.Unreported, Dead: driver.Unreported,
		Oldest: driver.Unreported,
	}
	for name, n := range map[string]int64{"ready": s.Ready, "leased": s.Leased, "delayed": s.Delayed, "dead": s.Dead, "oldest": int64(s.Oldest)} {
		if n >= 0 {
			t.Errorf("%s unreported is %d, which could be a true number", name, n)
		}
	}
}

func FuzzCheckMessage(f *testing.F) {
	f.Add([]byte("x"), "key", "name", "value", int64(0))
	f.Add([]byte{0xEF, 0xBF}, "", "longshore", "\x00", int64(-1))
	f.Add([]byte{0xEF, 0xBF, 0xBE}, " ", "a..b", "\xEF\xBF", int64(1)<<62)
	f.Fuzz(func(t *testing.T, body []byte, key, name, value string, delay int64) {
		caps := ordinary()
		caps.TextBody = true
		m := driver.Message{
			Body: body, GroupKey: key, FairnessKey: key, DedupKey: key, SendID: key,
			Attributes: map[string]string{name: value}, Delay: time.Duration(delay),
		}
		before := maps.Clone(m.Attributes)

		err := driver.CheckMessage("send", &caps, &m)

		if !maps.Equal(m.Attributes, before) {
			t.Errorf("the check changed %v to %v", before, m.Attributes)
		}
		if err == nil && (!driver.IsText(string(body)) || !driver.IsText(value) || delay < 0) {
			t.Errorf("taken: %+v", m)
		}
		if code := driver.CodeOf(err); err != nil && code != driver.InvalidArgument && code != driver.TooLarge {
			t.Errorf("refused with %v: %v", code, err)
		}
	})
}
