package driver

import (
	"strings"
	"unicode/utf8"
)

// IsText reports whether s is valid UTF-8 of the characters that XML 1.0 allows,
// which is what Amazon SQS takes (source: Amazon SQS API Reference,
// SendMessage): tab, line feed, carriage return, and from U+0020 on all but the
// surrogates, U+FFFE and U+FFFF.
func IsText(s string) bool { return isText(utf8.ValidString(s), s) }

// isText is IsText for a string or bytes whose validity as UTF-8 is known. It
// does not allocate.
func isText[T string | []byte](valid bool, s T) bool {
	if !valid {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return false
		case c == 0xEF && s[i+1] == 0xBF && s[i+2] >= 0xBE: // U+FFFE, U+FFFF
			return false
		}
	}
	return true
}

// textRune is r where it is text, else U+FFFD.
func textRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return r
	case r < ' ', r == 0xFFFE, r == 0xFFFF:
		return utf8.RuneError
	}
	return r
}

// cutMark ends a text that was cut.
const cutMark = "…[cut]"

// CutText returns s as text, see [IsText], of at most limit bytes. What is not
// text becomes U+FFFD. A text that had to be cut ends with a mark where the
// limit leaves room for one.
func CutText(s string, limit int) string {
	if !IsText(s) {
		s = strings.Map(textRune, strings.ToValidUTF8(s, "\uFFFD"))
	}
	if len(s) <= limit {
		return s
	}
	mark := cutMark
	if limit < len(mark) {
		mark = ""
	}
	s = strings.TrimSuffix(s, cutMark)
	n := min(max(0, limit-len(mark)), len(s))
	for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
