package driver_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/longshore-dev/longshore/driver"
)

// xmlChar is the production Char of XML 1.0, fifth edition, section 2.2.
func xmlChar(r rune) bool {
	return r == 0x9 || r == 0xA || r == 0xD ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

func TestIsTextFollowsXML(t *testing.T) {
	caps := ordinary()
	caps.TextBody = true
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue // surrogates have no UTF-8; see TestIsTextRefusesInvalidUTF8
		}
		s := string(r)
		if got, want := driver.IsText(s), xmlChar(r); got != want {
			t.Fatalf("IsText(%U) = %v, want %v", r, got, want)
		}
		m := driver.Message{Body: []byte(s)}
		if got, want := driver.CheckMessage("send", &caps, &m) == nil, xmlChar(r); got != want {
			t.Fatalf("CheckMessage takes a body of %U: %v, want %v", r, got, want)
		}
	}
}

func TestIsTextRefusesInvalidUTF8(t *testing.T) {
	tests := []struct {
		name, s string
		want    bool
	}{
		{"empty", "", true},
		{"the replacement character itself", "a\uFFFDb", true},
		{"lone continuation", "a\x80b", false},
		{"cut short", "a\xE2\x82", false},
		{"cut before U+FFFE is whole", "a\xEF\xBF", false},
		{"overlong", "\xC0\xAF", false},
		{"encoded surrogate", "\xED\xA0\x80", false},
		{"beyond the last character", "\xF4\x90\x80\x80", false},
		{"bad after good", strings.Repeat("é", 100) + "\x00", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := driver.IsText(tt.s); got != tt.want {
				t.Errorf("IsText(%q) = %v, want %v", tt.s, got, tt.want)
			}
		})
	}
}

func TestCutText(t *testing.T) {
	const mark = "…[cut]"
	tests := []struct {
		name  string
		s     string
		limit int
		want  string
	}{
		{"short", "abc", 3, "abc"},
		{"cut with a mark", "0123456789abcdef", 12, "0123" + mark},
		{"no room for the mark", "0123456789", 7, "0123456"},
		{"just the mark", "0123456789", 8, mark},
		{"never inside a character", "ééééééé", 11, "é" + mark},
		{"marked once", "0123456789" + mark, 12, "0123" + mark},
		{"marked already, little is left", "a" + mark, 8, mark},
		{"marked already, no room for the mark", "ab" + mark, 5, "ab"},
		{"only a mark, no room for it", mark, 3, ""},
		{"limit 0", "abc", 0, ""},
		{"limit below 0", "abc", -1, ""},
		{"empty", "", 0, ""},
		{"invalid UTF-8", "a\xff\xfeb", 100, "a\uFFFDb"},
		{"control characters", "a\x1b[31m\x00\t\r\n", 100, "a\uFFFD[31m\uFFFD\t\r\n"},
		{"grows when repaired", "\x00\x01\x02\x03", 9, mark},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := driver.CutText(tt.s, tt.limit); got != tt.want {
				t.Errorf("CutText(%q, %d) = %q, want %q", tt.s, tt.limit, got, tt.want)
			}
		})
	}
}

func FuzzCutText(f *testing.F) {
	for _, s := range []string{"", "abc", "é…\U0001F600", "a…[cut]", "…[cut]…[cut]", "\xff\x00\uFFFE", strings.Repeat("x…[cut]", 50)} {
		for _, limit := range []int{-1, 0, 1, 5, 8, 9, 100} {
			f.Add(s, limit)
		}
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := driver.CutText(s, limit)

		if len(got) > max(0, limit) {
			t.Errorf("CutText(%q, %d) has %d bytes", s, limit, len(got))
		}
		if !driver.IsText(got) {
			t.Errorf("CutText(%q, %d) = %q, which is not text", s, limit, got)
		}
		if again := driver.CutText(got, limit); again != got {
			t.Errorf("cut again at %d, %q became %q", limit, got, again)
		}
		if driver.IsText(s) && len(s) <= limit && got != s {
			t.Errorf("CutText(%q, %d) = %q; it fits as it is", s, limit, got)
		}
	})
}
