package driver

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The two reserved attributes. Every name that begins with "longshore" is
// reserved.
const (
	AttributeCarry = "longshore"
	AttributeDeath = "longshore-death"
)

const (
	// MaxReserved is the most bytes in each reserved attribute.
	MaxReserved = 1000
	// MaxFirstError is the most bytes of Carry.FirstError; more is cut.
	MaxFirstError = 200
)

// Carry is the state of one copy of a task: what the broker's own counters
// cannot know because they start anew with each copy. The zero Carry is that of
// a task just enqueued and takes no attribute.
type Carry struct {
	// Attempts were made before this copy was sent, 0 or more. Attempt n of a
	// task is Attempts + Lease.Attempt.
	Attempts int
	// NotBefore is when the task is due; zero for at once. Kept to the
	// millisecond, rounded up.
	NotBefore time.Time
	// Hops is how often the task was sent on because it was not due yet,
	// Snoozes how often its handler put it off, Redrives how often it came back
	// from the dead letter. Each 0 or more.
	Hops, Snoozes, Redrives int
	// IgnoreExpiry: run the task although its time to live is over; set by a
	// redrive, which somebody asked for.
	IgnoreExpiry bool
	// FirstError is the error of the task's first failed attempt, cut to
	// MaxFirstError bytes.
	FirstError string
}

// IsZero reports whether there is nothing to carry.
func (c Carry) IsZero() bool { return c == Carry{} }

// Redriven is the carry of the copy that goes back to the queue: attempts start
// anew, the task is due at once, the redrive is counted, and the time to live
// no longer matters.
func (c Carry) Redriven() Carry {
	c.Attempts = 0
	c.NotBefore = time.Time{}
	c.Redrives++
	c.IgnoreExpiry = true
	return c
}

// carryVersion is the format of the attribute. A reader refuses a newer one.
const carryVersion = 1

// maxCount bounds every counter on the wire, against nonsense.
const maxCount = 1_000_000_000

type carryWire struct {
	Version      int    `json:"v"`
	Attempts     int    `json:"attempts,omitempty"`
	NotBefore    int64  `json:"notBefore,omitempty"` // milliseconds since 1970
	Hops         int    `json:"hops,omitempty"`
	Snoozes      int    `json:"snoozes,omitempty"`
	Redrives     int    `json:"redrives,omitempty"`
	IgnoreExpiry bool   `json:"ignoreExpiry,omitempty"`
	FirstError   string `json:"firstError,omitempty"`
}

// EncodeCarry writes c as the value of AttributeCarry: JSON in ASCII of at most
// MaxReserved bytes. InvalidArgument for a number below 0 or out of range.
func EncodeCarry(c Carry) (string, error) {
	w := carryWire{
		Version: carryVersion, Attempts: c.Attempts, Hops: c.Hops, Snoozes: c.Snoozes,
		Redrives: c.Redrives, IgnoreExpiry: c.IgnoreExpiry, FirstError: CutText(c.FirstError, MaxFirstError),
	}
	if !c.NotBefore.IsZero() {
		w.NotBefore = ceilMilli(c.NotBefore)
	}
	if err := w.check(); err != nil {
		return "", &Error{Code: InvalidArgument, Op: "encode carry", Err: err}
	}
	return marshalWithin(MaxReserved, &w, &w.FirstError), nil
}

// DecodeCarry reads what EncodeCarry wrote. InvalidArgument for anything else,
// a newer version among it; unknown fields of this version are ignored.
func DecodeCarry(s string) (Carry, error) {
	var w carryWire
	if err := unmarshalReserved(s, &w); err != nil {
		return Carry{}, &Error{Code: InvalidArgument, Op: "decode carry", Err: err}
	}
	err := checkVersion(w.Version, carryVersion)
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return Carry{}, &Error{Code: InvalidArgument, Op: "decode carry", Err: err}
	}
	c := Carry{
		Attempts: w.Attempts, Hops: w.Hops, Snoozes: w.Snoozes, Redrives: w.Redrives,
		IgnoreExpiry: w.IgnoreExpiry, FirstError: CutText(w.FirstError, MaxFirstError),
	}
	if w.NotBefore != 0 {
		c.NotBefore = time.UnixMilli(w.NotBefore).UTC()
	}
	return c, nil
}

func (w *carryWire) check() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"attempts", w.Attempts}, {"hops", w.Hops}, {"snoozes", w.Snoozes}, {"redrives", w.Redrives}} {
		if n.value < 0 || n.value > maxCount {
			return fmt.Errorf("%s %d is not within 0 to %d", n.name, n.value, maxCount)
		}
	}
	if w.NotBefore != 0 && (w.NotBefore < minMilli || w.NotBefore > maxMilli) {
		return fmt.Errorf("notBefore %d ms is not within the years 1970 to 9999", w.NotBefore)
	}
	return nil
}

// Times on the wire are milliseconds from 1970 to the end of 9999.
const (
	minMilli = 0
	maxMilli = 253402300799999
)

func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

func checkVersion(got, known int) error {
	switch {
	case got < 1:
		return fmt.Errorf("version %d is not a version; want 1 to %d", got, known)
	case got > known:
		return fmt.Errorf("version %d is newer than %d; upgrade this program", got, known)
	}
	return nil
}

func unmarshalReserved(s string, into any) error {
	if len(s) > MaxReserved {
		return fmt.Errorf("%d bytes exceed %d", len(s), MaxReserved)
	}
	if err := json.Unmarshal([]byte(s), into); err != nil {
		// The text of a JSON error may quote the value; say only that it failed.
		return fmt.Errorf("not the JSON object that is expected there")
	}
	return nil
}

// marshalWithin writes v as ASCII JSON of at most limit bytes, and cuts *text,
// which is a field of v, for that as far as needed. Everything else in v is
// bounded well below the limit by its caller.
func marshalWithin(limit int, v any, text *string) string {
	for {
		b, err := json.Marshal(v)
		if err != nil {
			panic("driver: marshalling plain values failed: " + err.Error())
		}
		s := asciiJSON(b)
		over := len(s) - limit
		if over <= 0 || *text == "" {
			return s
		}
		// An escaped character takes at most 12 bytes for 4 (a surrogate pair),
		// or 6 for 1, so cutting a sixth of the excess never cuts too much.
		*text = CutText(*text, max(0, len(*text)-max(over/6, 1)))
	}
}

// asciiJSON escapes what is not ASCII, so that every broker and console takes
// the value.
func asciiJSON(b []byte) string {
	var sb strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf:
			sb.WriteByte(b[0])
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&sb, `\u%04x\u%04x`, 0xD800+(r>>10), 0xDC00+(r&0x3FF))
		default:
			fmt.Fprintf(&sb, `\u%04x`, r)
		}
		b = b[n:]
	}
	return sb.String()
}

// cutMark ends a text that was cut.
const cutMark = "…[cut]"

// CutText returns s as valid UTF-8 of at most limit bytes; a text that had to
// be cut ends with a mark where the limit leaves room for one.
func CutText(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	s = strings.TrimSuffix(s, cutMark)
	if len(s) <= limit-len(cutMark) {
		return s + cutMark
	}
	mark := cutMark
	if limit < len(mark) {
		mark = ""
	}
	n := max(0, limit-len(mark))
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
