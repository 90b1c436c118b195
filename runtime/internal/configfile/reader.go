package configfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// reader reads values and remembers the first error.
type reader struct {
	lookup func(name string) (value string, found bool)
	err    error
}

func (r *reader) fail(i item, format string, args ...any) {
	if r.err == nil {
		line, column := i.at()
		r.err = &Error{line, column, i.key, fmt.Sprintf(format, args...)}
	}
}

// entries are those of a mapping, each key once.
func (r *reader) entries(i item) []entry {
	entries, ok := i.entries()
	if !ok {
		r.fail(i, "it is %s; want a mapping of keys and values", i.kind())
		return nil
	}
	seen := make(map[string]bool)
	for _, e := range entries {
		switch {
		case e.bad != "":
			r.fail(e.name, "%s", e.bad)
		case seen[e.key]:
			r.fail(e.name, "it is here twice")
		}
		seen[e.key] = true
	}
	return entries
}

// fields are the entries of a mapping of which the keys are known.
func (r *reader) fields(i item, known ...string) map[string]item {
	fields := make(map[string]item)
	for _, e := range r.entries(i) {
		if !slices.Contains(known, e.key) {
			r.fail(e.name, "this key is unknown; known are %s", strings.Join(known, ", "))
		}
		fields[e.key] = e.item
	}
	return fields
}

// text is a string that is not empty.
func (r *reader) text(i item) string {
	s, ok := i.string()
	switch {
	case !ok:
		r.fail(i, "it is %s; want a text", i.kind())
	case s == "":
		r.fail(i, "it is empty")
	case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.fail(i, "it has a line end or another control character")
	}
	return s
}

// number is a whole number from 1.
func (r *reader) number(i item, most int) int {
	n, ok := i.integer()
	switch {
	case !ok:
		r.fail(i, "it is %s; want a whole number", i.kind())
	case n < 1 || n > int64(most):
		r.fail(i, "it is not within 1 to %d", most)
		return 1
	}
	return int(n)
}

// size is a number of bytes, such as 65536, 64KiB or 5MiB.
func (r *reader) size(i item) int {
	n, ok := i.integer()
	if text, isText := i.string(); isText {
		number, unit := strings.TrimRight(text, "KMGiB"), int64(0)
		switch text[len(number):] {
		case "KiB":
			unit = 1 << 10
		case "MiB":
			unit = 1 << 20
		case "GiB":
			unit = 1 << 30
		}
		count, err := strconv.ParseInt(number, 10, 32)
		n, ok = count*unit, err == nil && unit > 0
	}
	switch {
	case !ok:
		r.fail(i, "it is not a number of bytes, such as 65536, 64KiB or 5MiB")
	case n < 1 || n > maxPayload:
		r.fail(i, "it is not within 1 to %d bytes", maxPayload)
		return 1
	}
	return int(n)
}

func (r *reader) boolean(i item) bool {
	b, ok := i.boolean()
	if !ok {
		r.fail(i, "it is %s; want true or false", i.kind())
	}
	return b
}

// rate is how many a second, from a text such as 100/s, 0.5/m or 10/h.
func (r *reader) rate(i item) float64 {
	const want = "a number and its time, such as 100/s, 30/m or 0.5/h"
	s, ok := i.string()
	if !ok {
		r.fail(i, "it is %s; want %s", i.kind(), want)
		return 0
	}
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(number, 64)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	perSecond := n / seconds
	switch {
	case seconds == 0 || err != nil || strings.Trim(number, "0123456789.") != "": // not 1e9, inf or -1
		r.fail(i, "it is not %s", want)
		return 0
	case !(perSecond > 0 && perSecond <= maxRate):
		r.fail(i, "it is not above 0 and at most %d a second", maxRate)
		return 0
	}
	return perSecond
}

func (r *reader) duration(i item, least, most time.Duration) time.Duration {
	s, ok := i.string()
	if !ok {
		r.fail(i, "it is %s; want a duration with its unit, such as 30s, 10m or 7d", i.kind())
		return 0
	}
	d, err := time.ParseDuration(s)
	if days, cut := strings.CutSuffix(s, "d"); cut {
		var n int
		if n, err = strconv.Atoi(days); err == nil {
			d = time.Duration(min(max(n, -1), 1_000_000/24)) * day // about 114 years
		}
	}
	switch {
	case err != nil:
		r.fail(i, "it is no duration, such as 30s, 10m or 7d")
	case d < least || d > most:
		r.fail(i, "it is not within %v to %v", least, most)
		return least
	}
	return d
}

// expand is a text in which ${NAME} stands for a variable of the environment.
func (r *reader) expand(i item) (string, []Variable) {
	var b strings.Builder
	var variables []Variable
	rest := r.text(i)
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String(), variables
		}
		name, after, found := strings.Cut(after, "}")
		if !found || !isVariable(name) {
			r.fail(i, "a ${ has no name of letters, digits and _ and no } after it")
			return "", nil
		}
		value, found := r.lookup(name)
		switch {
		case !found:
			r.fail(i, "the environment variable %s is not set", name)
		case value == "":
			r.fail(i, "the environment variable %s is empty", name)
		}
		b.WriteString(value)
		variables = append(variables, Variable{name, value})
		rest = after
	}
}

func isVariable(s string) bool {
	return isToken(s, "_") && !isDigit(s[0])
}
