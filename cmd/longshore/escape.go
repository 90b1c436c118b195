package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is the most characters of a payload or error in a line for people.
const maxShown = 240

// escapeLine makes s one line that cannot control a terminal: what is not
// printable is written as Go writes it in a string, \n, \x1b or \u202e.
func escapeLine(s string) string { return escape(s, "") }

// escapeLines is escapeLine for text whose tabs and line ends are to stay.
func escapeLines(s string) string { return escape(s, "\t\n") }

func escape(s, keep string) string {
	clean := func(r rune, size int) bool {
		return (r != utf8.RuneError || size > 1) && (strconv.IsPrint(r) || strings.ContainsRune(keep, r))
	}
	var b strings.Builder
	from := 0 // what is before it is in b
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !clean(r, size) {
			b.WriteString(s[from:i])
			if r == utf8.RuneError && size == 1 {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			} else {
				quoted := strconv.QuoteRune(r)
				b.WriteString(quoted[1 : len(quoted)-1])
			}
			from = i + size
		}
		i += size
	}
	if from == 0 {
		return s
	}
	b.WriteString(s[from:])
	return b.String()
}

// brief is a text cut to one line: of several, the first and the last. It is not
// escaped.
func brief(text string) string {
	var first, last string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if first == "" {
			first = line
		} else {
			last = line
		}
	}
	if last != "" {
		first += " … " + last
	}
	s := []rune(first)
	if len(s) > maxShown {
		half := maxShown / 2
		return string(s[:half]) + " … " + string(s[len(s)-half:])
	}
	return first
}

// count is n with its noun, and thousands set apart: "1 line", "12,345 lines".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if noun, isY := strings.CutSuffix(noun, "y"); isY {
		return commas(n) + " " + noun + "ies"
	}
	return commas(n) + " " + noun + "s"
}

// commas is n, 0 or more, with thousands set apart.
func commas(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
