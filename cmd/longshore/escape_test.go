package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, in, line, lines string }{
		{"plain", "naïve €", "naïve €", "naïve €"},
		{"tab and newline", "a\tb\n", `a\tb\n`, "a\tb\n"},
		{"colour", "\x1b[31mred", `\x1b[31mred`, `\x1b[31mred`},
		{"carriage return", "a\rb", `a\rb`, `a\rb`},
		{"delete and C1", "\x7f\u009b", `\x7f\u009b`, `\x7f\u009b`},
		{"right to left", "a\u202eb", `a\u202eb`, `a\u202eb`},
		{"not UTF-8", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"the replacement character itself", "\uFFFD", "\uFFFD", "\uFFFD"},
		{"empty", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := escapeLine(tt.in); got != tt.line {
				t.Errorf("escapeLine = %q, want %q", got, tt.line)
			}
			if got := escapeLines(tt.in); got != tt.lines {
				t.Errorf("escapeLines = %q, want %q", got, tt.lines)
			}
		})
	}
}

func TestBrief(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"one line", "exit status 1: no\n", "exit status 1: no"},
		{"two lines", "exit status 1: first\nlast", "exit status 1: first … last"},
		{"many lines", "a\n\n  b  \nc\n \n", "a … c"},
		{"nothing", "\n \n", ""},
		{"not UTF-8", "a\xffb", "a\xffb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := brief(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := brief(strings.Repeat("é", 10_000)); utf8.RuneCountInString(got) > maxShown+3 {
		t.Errorf("a long error takes %d characters", utf8.RuneCountInString(got))
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 lines", 1: "1 line", 999: "999 lines", 1000: "1,000 lines", 1_234_567: "1,234,567 lines",
	} {
		if got := count(n, "line"); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	if got := count(2, "retry"); got != "2 retries" {
		t.Errorf("got %q", got)
	}
}
