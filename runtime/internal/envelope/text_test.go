package envelope

import (
	"strings"
	"testing"
)

// Every byte at every place of texts of every short length.
func TestPlainLen(t *testing.T) {
	for length := range 40 {
		text := strings.Repeat("~", length)
		if got := plainLen(text); got != length {
			t.Fatalf("plainLen of %d plain bytes is %d", length, got)
		}
		for at := range length {
			for c := range 256 {
				b := []byte(text)
				b[at] = byte(c)
				// What follows must not matter.
				if at+1 < length {
					b[at+1] = '"'
				}
				want := at
				if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
					want = min(at+1, length)
				}
				if got := plainLen(b); got != want {
					t.Fatalf("plainLen(%q) = %d, want %d", b, got, want)
				}
				if got := plainLen(string(b)); got != want {
					t.Fatalf("plainLen(%q) of a string = %d, want %d", b, got, want)
				}
			}
		}
	}
}

func TestCheckText(t *testing.T) {
	for r := range rune(0x110000) {
		if r >= 0xD800 && r <= 0xDFFF {
			continue
		}
		for _, text := range []string{string(r), "some text, then " + string(r)} {
			escapes, wrong := checkText(text)
			if (wrong != "") != forbidden(r) {
				t.Fatalf("checkText(%q) says %q", text, wrong)
			}
			if want := strings.Count(text, `"`) + strings.Count(text, `\`); wrong == "" && escapes != want {
				t.Fatalf("checkText(%q) counts %d escapes, want %d", text, escapes, want)
			}
		}
	}
}

func TestControlCharactersMustBeEscaped(t *testing.T) {
	for c := range byte(0x20) {
		text := []byte(`"a` + string(rune(c)) + `b"`)
		if _, err := trimJSON(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
