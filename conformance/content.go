package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var contentChecks = []Check{
	{Name: "body-empty", Doc: "An empty body is InvalidArgument.", run: bodyEmpty},
	{Name: "body-text", Doc: "A body of text of every kind stays byte for byte, through bury and redrive.", run: bodyText},
	{Name: "body-binary", Doc: "A body of any bytes stays byte for byte, through bury and redrive; or where bodies are text it is refused, never sent.", run: bodyBinary},
	{Name: "body-limit", Doc: "A body of MaxBody bytes is taken; one more is TooLarge.", run: bodyLimit},
	{Name: "attribute-characters", Doc: "Every legal character of attribute names and values arrives as it was.", run: attributeCharacters},
	{Name: "attribute-refusals", Doc: "Illegal and reserved attribute names, and empty or illegal values, are InvalidArgument.", run: attributeRefusals},
	{Name: "attribute-limits", Doc: "MaxAttributes of MaxAttributeValue bytes are taken; one more of either is InvalidArgument.", run: attributeLimits},
	{Name: "keys", Doc: "A key or send id of 128 visible ASCII characters is taken; longer ones and others are InvalidArgument.", run: keys},
	{Name: "fairness-key", Doc: "A fairness key is kept, or refused as Unsupported.", run: fairnessKey},
	{Name: "carry-and-death-travel", Doc: "What a copy carries and its death record arrive as they were sent, outside of the attributes.", run: carryAndDeathTravel},
	{Name: "carry-refusals", Doc: "A carry that cannot be encoded is InvalidArgument.", run: carryRefusals},
}

// rejects asserts that a message is refused.
func (t *T) rejects(what string, q driver.Queue, m driver.Message, want driver.Code) {
	t.code("send "+what, t.trySend(q, m)[0].Err, want)
}

func bodyEmpty(t *T) {
	q := t.open()
	t.rejects("a nil body", q, driver.Message{}, driver.InvalidArgument)
	t.rejects("an empty body", q, driver.Message{Body: []byte{}}, driver.InvalidArgument)
	t.audit(q, tally{})
}

// journey sends a message to the dead letter and back, and compares its body at
// each place.
func (t *T) journey(q driver.Queue, m driver.Message) {
	t.send(q, m)
	l := t.lease(q)
	t.same("received", l.Message(), m)
	t.bury(q, l)
	d := t.lease(q.DeadLetter())
	t.same("dead", d.Message(), m)
	t.redrive(q.DeadLetter(), d)
	l = t.lease(q)
	t.same("redriven", l.Message(), m)
	t.ack(q, l)
}

func bodyText(t *T) {
	q := t.open()
	texts := []string{
		"\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "\u0085\u00a0\u00e9\u2028\ufeff\uFFFD\uE000",
		"\u6f22\u5b57\U0001F600\U0010FFFD", " leading and trailing ", "{\"json\":\"\\u0000\"}", "a\r\nb\r\n",
	}
	for _, text := range texts {
		t.journey(q, t.messageWith([]byte(text)))
	}
	t.audit(q, tally{Processed: len(texts)})
}

func bodyBinary(t *T) {
	q := t.open()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	bodies := [][]byte{every, {0}, {0xff}, {0xef, 0xbf, 0xbf}, {0xc3}, bytes.Repeat([]byte{0, 0x80}, 500)}
	if t.caps.TextBody {
		for _, b := range bodies {
			t.rejects(fmt.Sprintf("bytes % x", clip(b)), q, t.messageWith(b), driver.InvalidArgument)
		}
		t.audit(q, tally{})
		t.refused()
		return
	}
	for _, b := range bodies {
		t.journey(q, t.messageWith(b))
	}
	t.audit(q, tally{Processed: len(bodies)})
}

func bodyLimit(t *T) {
	q := t.open()
	m := t.messageWith(bytes.Repeat([]byte("x"), t.caps.MaxBody-idLen))
	over := t.messageWith(bytes.Repeat([]byte("x"), t.caps.MaxBody-idLen+1))
	t.rejects("a body over the limit", q, over, driver.TooLarge)
	t.send(q, m)
	l := t.lease(q)
	t.same("received", l.Message(), m)
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func attributeCharacters(t *T) {
	if t.caps.MaxAttributes == 0 {
		q, m := t.open(), t.message()
		m.Attributes = map[string]string{"name": "value"}
		t.rejects("an attribute", q, m, driver.InvalidArgument)
		t.refused()
		return
	}
	q := t.open()
	values := []string{
		"\t\n\r !\"#$%&'()*+,-./0123456789:;<=>?@", "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`", "abcdefghijklmnopqrstuvwxyz{|}~",
		"\u0085\u00e9\u6f22\u2028\ufeff\uFFFD\uE000\U0001F600\U0010FFFD", " space around ", "{}", "x",
	}
	names := []string{
		"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "a-b_c.d.e", "-", "_", strings.Repeat("n", driver.MaxAttributeName),
	}
	for i := range values {
		m := t.message()
		m.Attributes = map[string]string{names[i]: values[i]}
		t.send(q, m)
		l := t.lease(q)
		t.same("received", l.Message(), m)
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: len(values)})
}

func attributeRefusals(t *T) {
	q := t.open()
	for name, value := range map[string]string{
		"": "no name", "a b": "space", ".a": "leading period", "a.": "trailing period", "a..b": "two periods", "caf\u00e9": "no ASCII",
		"a/b": "slash", strings.Repeat("n", driver.MaxAttributeName+1): "long name",
		driver.AttributeCarry: "ours", driver.AttributeDeath: "ours", "Longshore-X": "ours", "AWS.x": "a broker's", "googX": "a broker's",
		"empty-value": "", "nul": "\x00", "invalid-utf8": "\xff", "not-a-character": "\uFFFE",
	} {
		m := t.message()
		m.Attributes = map[string]string{name: value}
		t.rejects(fmt.Sprintf("attribute %.40q=%q", name, value), q, m, driver.InvalidArgument)
	}
	t.audit(q, tally{})
}

func attributeLimits(t *T) {
	q := t.open()
	m, over := t.message(), t.message()
	m.Attributes, over.Attributes = make(map[string]string), make(map[string]string)
	for i := range t.caps.MaxAttributes + 1 {
		name := fmt.Sprintf("name-%d", i)
		over.Attributes[name] = "x"
		if i < t.caps.MaxAttributes {
			m.Attributes[name] = fmt.Sprintf("value %d", i)
		}
	}
	t.rejects("one attribute too many", q, over, driver.InvalidArgument)
	processed := 1
	t.send(q, m)
	if t.caps.MaxAttributes > 0 {
		processed++
		long, over := t.message(), t.message()
		long.Attributes = map[string]string{"name": strings.Repeat("x", t.caps.MaxAttributeValue)}
		over.Attributes = map[string]string{"name": strings.Repeat("x", t.caps.MaxAttributeValue+1)}
		t.rejects("a value over the limit", q, over, driver.InvalidArgument)
		l := t.lease(q)
		t.same("received", l.Message(), m)
		t.ack(q, l)
		t.send(q, long)
		m = long
	}
	l := t.lease(q)
	t.same("received", l.Message(), m)
	t.ack(q, l)
	t.audit(q, tally{Processed: processed})
}

func keys(t *T) {
	q := t.open()
	var visible strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		visible.WriteByte(c)
	}
	long := visible.String() + strings.Repeat("k", driver.MaxKey-visible.Len())
	sets := map[string]func(m *driver.Message, key string){"send id": func(m *driver.Message, key string) { m.SendID = key }}
	if t.caps.Ordered {
		sets["group key"] = func(m *driver.Message, key string) { m.GroupKey = key }
	}
	if t.caps.Fairness.Supported() {
		sets["fairness key"] = func(m *driver.Message, key string) { m.FairnessKey = key }
	}
	if t.caps.Dedup.Supported() {
		sets["deduplication key"] = func(m *driver.Message, key string) { m.DedupKey, m.SendID = key, "" }
	}
	n := 0
	for name, set := range sets {
		for _, bad := range []string{long + "k", "a b", "a\n", "caf\u00e9", "\x7f"} {
			m := t.message()
			set(&m, bad)
			t.rejects(fmt.Sprintf("%s %.20q of %d bytes", name, bad, len(bad)), q, m, driver.InvalidArgument)
		}
		m := t.message()
		set(&m, long)
		if name == "deduplication key" {
			set(&m, strings.ToUpper(long)) // another than the send id
		}
		t.send(q, m)
		n++
		got := t.lease(q)
		m.DedupKey = ""
		t.same("received", got.Message(), m)
		t.ack(q, got)
	}
	t.audit(q, tally{Processed: n})
}

func fairnessKey(t *T) {
	q := t.open()
	m := t.message()
	m.FairnessKey = "tenant-1"
	if !t.caps.Fairness.Supported() {
		t.rejects("a fairness key", q, m, driver.Unsupported)
		t.audit(q, tally{})
		t.refused()
		return
	}
	other := t.message()
	other.FairnessKey = "tenant-2"
	t.send(q, m, other)
	for _, l := range t.leases(q, 2) {
		want := m
		if idOf(l.Message().Body) == idOf(other.Body) {
			want = other
		}
		t.same("received", l.Message(), want)
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: 2})
}

func carryAndDeathTravel(t *T) {
	q := t.open()
	m := t.full()
	m.Carry = driver.Carry{
		Attempts: 1, NotBefore: time.Now().Add(time.Hour).Truncate(time.Millisecond), Hops: 2, Snoozes: 3, Redrives: 4,
		IgnoreExpiry: true, FirstError: strings.Repeat("<\u00e9>", driver.MaxFirstError/4),
	}
	m.Death = &driver.Death{
		Reason: "a-reason-1", Detail: strings.Repeat("\"\\\u6f22", 20), Attempts: 5, At: time.Now().Truncate(time.Millisecond), Queue: "another",
	}
	t.send(q, m)
	l := t.lease(q)
	t.same("received", l.Message(), m)
	t.carries("received", l.Message().Carry, m.Carry)
	switch d := l.Message().Death; {
	case d == nil:
		t.Errorf("no death record")
	case !d.At.Equal(m.Death.At):
		t.Errorf("death at %v; want %v", d.At, m.Death.At)
	default:
		got, want := *d, *m.Death
		got.At, want.At = time.Time{}, time.Time{}
		if got != want {
			t.Errorf("death %+v; want %+v", got, want)
		}
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func carryRefusals(t *T) {
	q := t.open()
	m := t.message()
	m.Carry.Attempts = -1
	t.rejects("negative attempts", q, m, driver.InvalidArgument)
	m.Carry = driver.Carry{NotBefore: time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)}
	t.rejects("a time that is no time", q, m, driver.InvalidArgument)
	m.Carry = driver.Carry{}
	m.Death = &driver.Death{Reason: "Not A Token"}
	t.rejects("a death without a proper reason", q, m, driver.InvalidArgument)
	t.audit(q, tally{})
}
