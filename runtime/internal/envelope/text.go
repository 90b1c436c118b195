package envelope

import (
	"math/bits"
	"unicode/utf8"
)

// bytestring is text in either form.
type bytestring interface{ []byte | string }

// plainLen is the length of the longest prefix of s in printable ASCII without
// quotation mark and backslash: what JSON strings hold as it is. It looks at
// eight bytes at a time.
func plainLen[T bytestring](s T) int {
	if len(s) < 8 {
		for i := range len(s) {
			if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
				return i
			}
		}
		return len(s)
	}
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	for i := 0; ; i += 8 {
		// The last eight bytes may overlap with those before, which are plain.
		i = min(i, len(s)-8)
		w := s[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		// (v-ones)&^v has a top bit where v has a zero byte, and maybe in bytes
		// above that one.
		quote, slash, del := x^ones*'"', x^ones*'\\', x^ones*0x7f
		marks := ((x-ones*0x20)&^x | (quote-ones)&^quote | (slash-ones)&^slash | (del-ones)&^del | x) & tops
		if marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
		if i == len(s)-8 {
			return len(s)
		}
	}
}

// checkText says what makes s no CloudEvents string, or "". escapes is how many
// of its bytes JSON writes with a backslash before them.
func checkText[T bytestring](s T) (escapes int, wrong string) {
	for i := plainLen(s); ; i += plainLen(s[i:]) {
		if i == len(s) {
			return escapes, ""
		}
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			escapes++
			i++
		case c < utf8.RuneSelf:
			return 0, "it has a control character"
		default:
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			switch {
			case r == utf8.RuneError && n <= 1:
				return 0, "it is not valid UTF-8"
			case r < 0xA0:
				return 0, "it has a control character"
			case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
				return 0, "it has a Unicode noncharacter"
			}
			i += n
		}
	}
}

// appendText appends s, which checkText has passed, without quotation marks.
// escaped is false when s is known to need no escapes.
func appendText[T bytestring](dst []byte, s T, escaped bool) []byte {
	if !escaped {
		return append(dst, s...)
	}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return dst
}
