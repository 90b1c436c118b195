package driver_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// received is a message as a broker delivers it, with every field set.
func received() driver.Message {
	return driver.Message{
		ID: "broker-id", SendID: "send-id", Body: []byte("body"), Attributes: map[string]string{"a": "1"},
		GroupKey: "group", FairnessKey: "tenant", DedupKey: "dedup", Delay: time.Minute, SentAt: time.Unix(1, 0),
		Carry: driver.Carry{Attempts: 2, NotBefore: time.Unix(5, 0), Redrives: 1, FirstError: "first"},
		Death: &driver.Death{Reason: "old"}, Defect: driver.Errorf(driver.InvalidArgument, "", "defect"),
	}
}

// checkCopy checks what every copy keeps and what it never forwards.
func checkCopy(t *testing.T, c, m driver.Message) {
	t.Helper()
	if !bytes.Equal(c.Body, m.Body) || !maps.Equal(c.Attributes, m.Attributes) || c.GroupKey != m.GroupKey || c.FairnessKey != m.FairnessKey {
		t.Errorf("body, attributes or keys differ: %+v", c)
	}
	if driver.CheckKey(c.SendID) != nil || c.SendID == m.SendID || c.SendID == m.DedupKey || c.SendID == m.ID {
		t.Errorf("send id %q is not a fresh one", c.SendID)
	}
	if c.ID != "" || c.DedupKey != "" || c.Delay != 0 || !c.SentAt.IsZero() || c.Defect != nil {
		t.Errorf("the copy keeps what belongs to one delivery or one send: %+v", c)
	}
}

func TestCopyOf(t *testing.T) {
	m := received()

	c, other := driver.CopyOf(m), driver.CopyOf(m)

	checkCopy(t, c, m)
	if c.Carry != m.Carry || c.Death != nil {
		t.Errorf("carry %+v and death %v; want the same carry and no death", c.Carry, c.Death)
	}
	if c.SendID == other.SendID {
		t.Error("two copies have the same send id")
	}
}

func TestDeadCopy(t *testing.T) {
	now := time.Unix(1_000_000, 7)
	own := driver.Carry{Attempts: 7, Snoozes: 1}
	tests := []struct {
		name     string
		carry    *driver.Carry
		want     driver.Carry
		attempts int
	}{
		{"keeps the carry", nil, received().Carry, 2 + 3},
		{"takes the settlement's carry", &own, own, 7 + 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := received()
			s := driver.Settlement{
				Lease: lease{message: m, attempt: 3}, Verdict: driver.Bury, Reason: driver.ReasonExhausted,
				Detail: strings.Repeat("d", 2*driver.MaxDetail), Carry: tt.carry,
			}

			c := driver.DeadCopy(s, strings.Repeat("q", 2*driver.MaxSource), now)

			checkCopy(t, c, m)
			want := driver.Death{
				Reason: driver.ReasonExhausted, Detail: driver.CutText(s.Detail, driver.MaxDetail), Attempts: tt.attempts,
				At: now, Queue: driver.CutText(strings.Repeat("q", 2*driver.MaxSource), driver.MaxSource),
			}
			if c.Carry != tt.want || c.Death == nil || *c.Death != want {
				t.Errorf("carry %+v, death %+v; want %+v, %+v", c.Carry, c.Death, tt.want, want)
			}
		})
	}
}

func TestLiveCopy(t *testing.T) {
	m := received()

	c := driver.LiveCopy(m)

	checkCopy(t, c, m)
	if c.Carry != m.Carry.Redriven() || c.Death != nil {
		t.Errorf("carry %+v and death %v; want a redriven carry and no death", c.Carry, c.Death)
	}
	if m.Death == nil || m.Carry != received().Carry {
		t.Error("the original was changed")
	}
}

// A record that did not decode would stand on the main queue for ever.
func TestLiveCopyDropsADeathThatDidNotDecode(t *testing.T) {
	var m driver.Message
	driver.UnpackAttributes(&m, map[string]string{driver.AttributeDeath: "nonsense", "a": "1"})

	c := driver.LiveCopy(m)

	if want := map[string]string{"a": "1"}; !maps.Equal(c.Attributes, want) {
		t.Errorf("attributes %v, want %v", c.Attributes, want)
	}
	if len(m.Attributes) != 2 {
		t.Error("the attributes of the lease's message were changed")
	}
}

// Bury and Redrive must work on whatever a stranger sent, or it can only wait
// for the broker's limit.
func TestCopiesOfTheStrangestCarryPack(t *testing.T) {
	m := received()
	m.Carry = driver.Carry{Attempts: 1e9, Hops: 1e9, Snoozes: 1e9, Redrives: 1e9, FirstError: strings.Repeat("\x01", 1000)}
	s := driver.Settlement{Lease: lease{message: m, attempt: 5}, Verdict: driver.Bury, Reason: "crashed"}

	for name, c := range map[string]driver.Message{
		"dead": driver.DeadCopy(s, "orders", time.Unix(1, 0)), "live": driver.LiveCopy(m),
	} {
		if _, err := driver.PackAttributes(c); err != nil {
			t.Errorf("%s copy: %v", name, err)
		}
	}
}

func TestSendIDFor(t *testing.T) {
	if got := driver.SendIDFor(driver.Message{SendID: "s", DedupKey: "d"}); got != "s" {
		t.Errorf("got %q, want the send id", got)
	}
	if got := driver.SendIDFor(driver.Message{DedupKey: "d"}); got != "d" {
		t.Errorf("got %q, want the deduplication key", got)
	}
	one, two := driver.SendIDFor(driver.Message{}), driver.SendIDFor(driver.Message{})
	if one == two || driver.CheckKey(one) != nil {
		t.Errorf("got %q and %q, want two fresh ids that are keys", one, two)
	}
}

func TestPackAndUnpackAttributes(t *testing.T) {
	death := &driver.Death{Reason: "permanent", Attempts: 3, At: time.UnixMilli(7).UTC(), Queue: "orders"}
	tests := []struct {
		name  string
		m     driver.Message
		extra int
	}{
		{"nothing", driver.Message{}, 0},
		{"attributes", driver.Message{Attributes: map[string]string{"a": "1"}}, 0},
		{"carry", driver.Message{Attributes: map[string]string{"a": "1"}, Carry: driver.Carry{Hops: 1}}, 1},
		{"death", driver.Message{Attributes: map[string]string{"a": "1"}, Death: death}, 1},
		{"both, and nothing else", driver.Message{Carry: driver.Carry{Hops: 1}, Death: death}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := maps.Clone(tt.m.Attributes)

			all, err := driver.PackAttributes(tt.m)
			if err != nil || len(all) != len(tt.m.Attributes)+tt.extra {
				t.Fatalf("PackAttributes = %v, %v", all, err)
			}
			if !maps.Equal(tt.m.Attributes, before) {
				t.Errorf("the message's own attributes became %v", tt.m.Attributes)
			}

			got := driver.Message{Carry: driver.Carry{Snoozes: 9}, Death: &driver.Death{}, Defect: driver.Errorf(0, "", "old")}
			driver.UnpackAttributes(&got, maps.Clone(all))
			if !maps.Equal(got.Attributes, tt.m.Attributes) || got.Carry != tt.m.Carry || got.Defect != nil {
				t.Errorf("came back as %+v", got)
			}
			if (got.Death == nil) != (tt.m.Death == nil) || got.Death != nil && *got.Death != *tt.m.Death {
				t.Errorf("death came back as %+v", got.Death)
			}
		})
	}
}

func TestPackAttributesRefuses(t *testing.T) {
	_, err := driver.PackAttributes(driver.Message{Carry: driver.Carry{Hops: -1}})
	wantRefusal(t, err, driver.InvalidArgument, "encode carry", "hops -1")
	_, err = driver.PackAttributes(driver.Message{Death: &driver.Death{}})
	wantRefusal(t, err, driver.InvalidArgument, "encode death record", "reason")
}

func TestUnpackAttributesKeepsWhatDoesNotDecode(t *testing.T) {
	const good, bad = `{"v":1,"hops":1}`, `{"v":2}`
	tests := []struct {
		name      string
		all, want map[string]string
		carry     driver.Carry
		death     bool
	}{
		{"carry", map[string]string{"a": "1", driver.AttributeCarry: bad, driver.AttributeDeath: `{"v":1,"reason":"x"}`},
			map[string]string{"a": "1", driver.AttributeCarry: bad}, driver.Carry{}, true},
		{"death", map[string]string{driver.AttributeCarry: good, driver.AttributeDeath: bad},
			map[string]string{driver.AttributeDeath: bad}, driver.Carry{Hops: 1}, false},
		{"both", map[string]string{driver.AttributeCarry: bad, driver.AttributeDeath: bad},
			map[string]string{driver.AttributeCarry: bad, driver.AttributeDeath: bad}, driver.Carry{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m driver.Message
			driver.UnpackAttributes(&m, tt.all)
			if !driver.Is(m.Defect, driver.InvalidArgument) {
				t.Errorf("defect %v, want InvalidArgument", m.Defect)
			}
			if !maps.Equal(m.Attributes, tt.want) || m.Carry != tt.carry || (m.Death != nil) != tt.death {
				t.Errorf("got %+v", m)
			}
		})
	}
}
