package envelope

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested, so that foreign bytes
// cannot make the stack grow without end.
const maxDepth = 1000

// scanner walks through JSON text (RFC 8259) and checks its grammar and its
// UTF-8. It is stricter than encoding/json.Valid in the UTF-8 and the depth
// only. Its methods answer false when something is wrong: then pos is where,
// and wrong says what.
type scanner struct {
	text  []byte
	pos   int
	wrong string
}

// token is a string in the text: what stands between its quotation marks, and
// whether that is printable ASCII without escapes.
type token struct {
	start, end int
	plain      bool
}

func (s *scanner) fail(pos int, wrong string) bool {
	s.pos, s.wrong = pos, wrong
	return false
}

// peek is the byte at pos, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// next skips white space and peeks.
func (s *scanner) next() byte {
	for ; s.pos < len(s.text); s.pos++ {
		if c := s.text[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// value skips white space and one value that lies in depth arrays and objects.
func (s *scanner) value(depth int) bool {
	switch c := s.next(); {
	case c == '"':
		_, ok := s.string()
		return ok
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '-' || isDigit(c):
		return s.number()
	}
	return s.fail(s.pos, "a value is expected here")
}

func (s *scanner) object(depth int) bool {
	if depth > maxDepth {
		return s.fail(s.pos, "it is nested deeper than 1000")
	}
	s.pos++
	for first := true; ; first = false {
		_, more, ok := s.member(first)
		if !ok || !more {
			return ok
		}
		if !s.value(depth) {
			return false
		}
	}
}

// member goes on to just before the next member's value, or past the end of the object. It
// starts after the opening brace, or after the value of the member before.
func (s *scanner) member(first bool) (name token, more, ok bool) {
	c := s.next()
	switch {
	case c == '}':
		s.pos++
		return name, false, true
	case first:
	case c == ',':
		s.pos++
		c = s.next()
	default:
		return name, false, s.fail(s.pos, "a comma or closing brace is expected here")
	}
	if c != '"' {
		return name, false, s.fail(s.pos, "a member name is expected here")
	}
	if name, ok = s.string(); !ok {
		return name, false, false
	}
	if s.next() != ':' {
		return name, false, s.fail(s.pos, "a colon is expected here")
	}
	s.pos++
	return name, true, true
}

func (s *scanner) array(depth int) bool {
	if depth > maxDepth {
		return s.fail(s.pos, "it is nested deeper than 1000")
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return true
	}
	for {
		if !s.value(depth) {
			return false
		}
		switch s.next() {
		case ']':
			s.pos++
			return true
		case ',':
			s.pos++
		default:
			return s.fail(s.pos, "a comma or closing bracket is expected here")
		}
	}
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.text[s.pos:], []byte(word)) {
		return s.fail(s.pos, "a value is expected here")
	}
	s.pos += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	i := s.pos
	for i < len(s.text) && isDigit(s.text[i]) {
		i++
	}
	if i == s.pos {
		return s.fail(i, "a digit is expected here")
	}
	s.pos = i
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// string skips a string; pos is at its quotation mark.
func (s *scanner) string() (token, bool) {
	t := token{start: s.pos + 1, plain: true}
	for i := t.start; ; {
		i += plainLen(s.text[i:])
		if i == len(s.text) {
			return t, s.fail(i, "the text ends within a string")
		}
		c := s.text[i]
		if c == '"' {
			t.end, s.pos = i, i+1
			return t, true
		}
		t.plain = false
		n := 1
		switch {
		case c == '\\':
			if n = escapeLen(s.text[i:]); n == 0 {
				return t, s.fail(i, "an escape is malformed")
			}
		case c < 0x20:
			return t, s.fail(i, "a control character in a string is not escaped")
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRune(s.text[i:]); r == utf8.RuneError && n <= 1 {
				return t, s.fail(i, "a string is not valid UTF-8")
			}
		}
		i += n
	}
}

// escapeLen is the length of the escape at the start of b, 0 for a malformed
// one.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := unitAt(b); ok {
			return 6
		}
	}
	return 0
}

// unitAt reads the \uXXXX at the start of b.
func unitAt(b []byte) (unit rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// unquote appends the meaning of raw, the inside of a string that was scanned.
// ok is false for a surrogate without its partner.
func unquote(dst, raw []byte) (b []byte, ok bool) {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(dst, raw...), true
		}
		dst = append(dst, raw[:n]...)
		raw = raw[n:]
		switch c := raw[1]; c {
		case 'u':
			r, _ := unitAt(raw)
			raw = raw[6:]
			if utf16.IsSurrogate(r) {
				low, _ := unitAt(raw) // 0, no partner, when there is no escape
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return dst, false
				}
				raw = raw[6:]
			}
			dst = utf8.AppendRune(dst, r)
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		raw = raw[2:]
	}
}
