package driver

import (
	"bytes"
	"encoding/json"
	"errors"
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

// MaxReserved is the most bytes in each reserved attribute.
const MaxReserved = 1000

// maxCount bounds every counter on the wire, against nonsense. A counter stays
// there rather than make a message that can neither be buried nor redriven.
const maxCount = 1_000_000_000

// maxMilli is the end of the year 9999. A time on the wire is in milliseconds
// since 1970, from 1 to maxMilli, or 0 for no time.
const maxMilli = 253402300799999

// wireTime is t on the wire, rounded up to the millisecond.
func wireTime(name string, t time.Time) (int64, error) {
	if t.IsZero() {
		return 0, nil
	}
	// UnixMilli overflows on years that are far off.
	if s := t.Unix(); s < 0 || s > maxMilli/1000 {
		return 0, fmt.Errorf("%s is not within the years 1970 to 9999", name)
	}
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return min(max(ms, 1), maxMilli), nil
}

func readTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func checkMilli(name string, ms int64) error {
	if ms < 0 || ms > maxMilli {
		return fmt.Errorf("%s %d ms is not within the years 1970 to 9999", name, ms)
	}
	return nil
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
		return errors.New("not the JSON object that is expected there")
	}
	return nil
}

// marshalWithin writes v as ASCII JSON of at most limit bytes, and cuts *text,
// which is a field of v, for that as far as needed. Everything else in v is
// bounded well below the limit by its caller.
func marshalWithin(limit int, v any, text *string) string {
	for {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // or each < and > of an error takes six bytes
		if err := enc.Encode(v); err != nil {
			panic("driver: marshalling plain values failed: " + err.Error())
		}
		s := asciiJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
		over := len(s) - limit
		if over <= 0 || *text == "" {
			return s
		}
		// One byte of text takes at most three on the wire (a letter of two
		// bytes is six as an escape), so cutting a third of the excess never
		// cuts too much.
		*text = CutText(*text, len(*text)-max(over/3, 1))
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
