package envelope

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
)

// Decode reads a structured-mode event into e.
//
// Members may come in any order; null attributes count as absent, and so do
// attributes that this package does not know, of any JSON type. An error is
// returned for text that is not one JSON object in UTF-8, a specversion other
// than "1.0", a required attribute that is missing or empty, a known member
// that comes twice or is not of its type, a time that is not RFC 3339, and data
// beside data_base64; then e is left as it was.
//
// Data of a JSON content type is the value as it stands in body, null included.
// Of other content types it is the content of the string. Data from data_base64
// is not checked against its content type. Data and TraceParent may share memory with body;
// strings are copies, and one that equals the same field of e before the
// call is kept instead, so decoding into the same Event again saves copies.
func Decode(body []byte, e *Event) error {
	d := decoder{scanner: scanner{text: body}}
	if d.own(e) {
		return d.decode(e, false)
	}
	return decodeAny(body, e)
}

// decodeAny is Decode for events in any form.
func decodeAny(body []byte, e *Event) error {
	d := decoder{scanner: scanner{text: body}}
	if d.next() != '{' {
		return d.errorAt(unknown, d.pos, "a JSON object is expected here")
	}
	d.pos++
	return d.decode(e, true)
}

// decode reads what is left of an event, which may be all its members.
func (d *decoder) decode(e *Event, first bool) error {
	for ; ; first = false {
		name, more, ok := d.member(first)
		if !ok {
			return d.errorAt(unknown, d.pos, d.wrong)
		}
		if !more {
			break
		}
		if err := d.read(d.lookup(name), e); err != nil {
			return err
		}
	}
	if d.next(); d.pos < len(d.text) {
		return d.errorAt(unknown, d.pos, "more follows the event")
	}
	if !d.versioned {
		return fmt.Errorf("decode event: %s is missing", specVersion)
	}
	if m := d.event.missing(); m != unknown {
		return fmt.Errorf("decode event: %s is missing or empty", m)
	}
	if err := d.resolveData(); err != nil {
		return err
	}
	*e = d.event
	return nil
}

// LooksLikeEvent reports whether body is a JSON object with a member
// specversion, which makes it an event, be it a broken one: what Decode says of
// it is then worth telling. Everything else is foreign. It stops at that
// member, which Append writes first.
func LooksLikeEvent(body []byte) bool {
	d := decoder{scanner: scanner{text: body}}
	if d.next() != '{' {
		return false
	}
	d.pos++
	for first := true; ; first = false {
		name, more, ok := d.member(first)
		if !ok || !more {
			return false
		}
		if d.lookup(name) == specVersion {
			return true
		}
		if !d.value(0) {
			return false
		}
	}
}

type decoder struct {
	scanner
	event     Event
	seen      uint32 // a bit for each member
	versioned bool
	// Where the values of data and data_base64 are; the data waits for its
	// content type, which may come later.
	data, base64 span
}

// span is a value in the text; the zero span is none.
type span struct{ start, end int }

func (d *decoder) lookup(name token) member {
	raw := d.text[name.start:name.end]
	if name.plain {
		return lookup(raw)
	}
	var buf [64]byte
	// A name with a lone surrogate is no known name.
	plain, _ := unquote(buf[:0], raw)
	return lookup(plain)
}

// read reads the value of m. old is the event whose strings may be kept.
func (d *decoder) read(m member, old *Event) error {
	first := d.next()
	start := d.pos
	if m != unknown {
		if d.seen&(1<<m) != 0 {
			return d.errorAt(m, start, "it comes twice")
		}
		d.seen |= 1 << m
	}
	if m == unknown || m == data || first != '"' {
		if !d.value(1) {
			return d.errorAt(m, d.pos, d.wrong)
		}
		switch {
		case m == unknown:
		case m == data:
			d.data = span{start, d.pos}
		case first != 'n':
			return d.errorAt(m, start, "it is not a string")
		}
		return nil
	}
	t, ok := d.string()
	if !ok {
		return d.errorAt(m, d.pos, d.wrong)
	}
	if m == dataBase64 {
		d.base64 = span{start, d.pos}
		return nil
	}
	var buf [256]byte
	raw := d.text[t.start:t.end]
	if !t.plain {
		if raw, ok = unquote(buf[:0], raw); !ok {
			return d.errorAt(m, start, "it has half a surrogate pair")
		}
		if _, wrong := checkText(raw); wrong != "" {
			return d.errorAt(m, start, wrong)
		}
	}
	if m == specVersion {
		if d.versioned = string(raw) == "1.0"; !d.versioned {
			return d.errorAt(m, start, `only version "1.0" can be read`)
		}
		return nil
	}
	if field := d.event.moment(m); field != nil {
		if *field, ok = parseTime(raw); !ok {
			return d.errorAt(m, start, "it is not an RFC 3339 time within the years 1 to 9999")
		}
		return nil
	}
	if wrong := checkLimit(m, len(raw)); wrong != "" {
		return d.errorAt(m, start, wrong)
	}
	if m == traceParent {
		if t.plain {
			d.setTraceParent(d.text[t.start:t.end]) // not raw, or buf is on the heap
		} else {
			d.event.TraceParent = bytes.Clone(raw)
		}
		return nil
	}
	field, known := d.event.text(m), old.text(m)
	if string(raw) == *known {
		*field = *known
	} else {
		*field = string(raw)
	}
	return nil
}

// setTraceParent sets it to a part of the text. An empty one is like none.
func (d *decoder) setTraceParent(raw []byte) {
	if len(raw) > 0 {
		d.event.TraceParent = slices.Clip(raw)
	}
}

// resolveData sets the event's data once all of the event is known.
func (d *decoder) resolveData() error {
	value := d.text[d.data.start:d.data.end:d.data.end]
	isNull := len(value) > 0 && value[0] == 'n'
	switch {
	case d.base64 != span{}:
		if len(value) > 0 && !isNull {
			return d.errorAt(data, d.data.start, "it stands beside data_base64; an event has one of them")
		}
		return d.decodeBase64()
	case len(value) == 0:
		return nil
	case IsJSON(d.event.DataContentType):
		d.event.Data = value
		return nil
	case isNull:
		return nil
	case value[0] != '"':
		return d.errorAt(data, d.data.start, "it is not a string although datacontenttype is not JSON")
	}
	content, ok := d.content(d.data)
	if !ok {
		return d.errorAt(data, d.data.start, "it has half a surrogate pair")
	}
	if len(content) > 0 {
		d.event.Data = content
	}
	return nil
}

func (d *decoder) decodeBase64() error {
	encoded, ok := d.content(d.base64)
	if len(encoded) == 0 && ok {
		return nil
	}
	decoded, err := base64.StdEncoding.AppendDecode(nil, encoded)
	if err != nil || !ok {
		return d.errorAt(dataBase64, d.base64.start, "it is not base64")
	}
	if len(decoded) > 0 {
		d.event.Data = decoded
	}
	return nil
}

// content is what the string at v says, in the text itself where it has no
// escapes.
func (d *decoder) content(v span) (content []byte, ok bool) {
	raw := d.text[v.start+1 : v.end-1 : v.end-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		return unquote(make([]byte, 0, len(raw)), raw)
	}
	return raw, true
}

func (d *decoder) errorAt(m member, pos int, wrong string) error {
	if m == unknown {
		return fmt.Errorf("decode event: at byte %d: %s", pos, wrong)
	}
	return fmt.Errorf("decode event: %s at byte %d: %s", m, pos, wrong)
}
