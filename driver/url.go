package driver

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxURL is the most bytes in a queue's URL.
const MaxURL = 2048

// URL is a queue's URL, strictly parsed. Its readers remember the first error,
// which Err returns, so that a driver reads all parameters and checks once.
// It is not safe for concurrent use.
type URL struct {
	Scheme string
	Host   string // with port, if any
	Path   string // decoded, without the leading slash
	// Redacted is the URL as it may be shown.
	Redacted string

	params map[string]string
	err    error
}

func parseURL(raw string, s Scheme) (*URL, error) {
	switch {
	case len(raw) > MaxURL:
		return nil, fmt.Errorf("%d bytes exceed %d", len(raw), MaxURL)
	case strings.Contains(raw, "@"):
		// Anywhere: a password may hold any of / ? and #, and then what follows
		// it is taken for a path, a parameter or a fragment.
		return nil, errors.New("the URL has an @, as if with a user or password; credentials come from the environment, see the driver's documentation, and elsewhere an @ is written %40")
	}
	p, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats the URL, and so any password in it.
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return nil, fmt.Errorf("malformed URL (%s), for example %s", urlProblem(err), s.Example)
	}
	switch {
	case p.Fragment != "" || strings.Contains(raw, "#"):
		return nil, errors.New("the URL has a fragment (#); remove it")
	case p.Opaque != "":
		return nil, fmt.Errorf("malformed URL, for example %s", s.Example)
	}
	u := &URL{Scheme: s.Name, Host: p.Host, Path: strings.TrimPrefix(p.Path, "/"), Redacted: Redact(raw)}
	u.params, err = parseParams(p.RawQuery, s)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// urlProblem says what is wrong without the text that is wrong, which may be
// part of a secret.
func urlProblem(err error) string {
	switch {
	case errors.As(err, new(url.EscapeError)):
		return "an invalid percent escape"
	case errors.As(err, new(url.InvalidHostError)):
		return "an invalid character in the host"
	}
	return "it cannot be parsed"
}

func parseParams(query string, s Scheme) (map[string]string, error) {
	params := make(map[string]string)
	if query == "" {
		return params, nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		rawName, rawValue, hasValue := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil || name == "" {
			return nil, errors.New("malformed parameter name")
		}
		if !slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name }) {
			return nil, fmt.Errorf("unknown parameter %q; known are %s", shownName(name), paramNames(s))
		}
		if _, dup := params[name]; dup {
			return nil, fmt.Errorf("parameter %q is given twice", name)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil || !hasValue || value == "" {
			return nil, fmt.Errorf("parameter %q has no value, or one with an invalid percent escape", name)
		}
		params[name] = value
	}
	return params, nil
}

func paramNames(s Scheme) string {
	if len(s.Params) == 0 {
		return "none"
	}
	names := make([]string, len(s.Params))
	for i, p := range s.Params {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// Has reports whether the parameter is given.
func (u *URL) Has(name string) bool { _, ok := u.params[name]; return ok }

// String reads a parameter as it is.
func (u *URL) String(name, absent string) string {
	if s, ok := u.params[name]; ok {
		return s
	}
	return absent
}

// Duration reads a duration from low to high, such as 30s or 1h30m.
func (u *URL) Duration(name string, absent, low, high time.Duration) time.Duration {
	s, ok := u.params[name]
	if !ok {
		return absent
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < low || d > high {
		u.fail("parameter %s=%s is not a duration within %v to %v, such as 30s or 5m", name, clip(s), low, high)
		return absent
	}
	return d
}

// Int reads a whole number from low to high.
func (u *URL) Int(name string, absent, low, high int) int {
	s, ok := u.params[name]
	if !ok {
		return absent
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		u.fail("parameter %s=%s is not a whole number within %d to %d", name, clip(s), low, high)
		return absent
	}
	return n
}

// Bool reads true or false.
func (u *URL) Bool(name string, absent bool) bool {
	switch s, ok := u.params[name]; {
	case !ok:
		return absent
	case s == "true":
		return true
	case s == "false":
		return false
	default:
		u.fail("parameter %s=%s is not true or false", name, clip(s))
		return absent
	}
}

// Err is the first error of the readers, InvalidArgument, or nil.
func (u *URL) Err() error { return u.err }

func (u *URL) fail(format string, args ...any) {
	if u.err == nil {
		u.err = Errorf(InvalidArgument, "open "+u.Redacted, format, args...)
	}
}

// clip quotes a short part of a value.
func clip(s string) string { return strconv.Quote(CutText(s, 40)) }

// Redact is a URL as it may be shown: without user, password and fragment, and
// with parameter names but not their values, because any of those may be a
// secret that somebody put there by mistake. Where it cannot tell what is a
// password it shows the scheme only. It takes any string.
func Redact(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok || !isToken(scheme) {
		return "(not a URL)"
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rawURL, '@'); at >= 0 {
		// A password may hold any character: only what follows the last @ is
		// not a part of it, and only if no ? or # comes before.
		if at > len(scheme)+len("://")+len(rest) {
			return CutText(scheme, 20) + "://REDACTED"
		}
		rest = "REDACTED@" + rest[strings.LastIndexByte(rest, '@')+1:]
	} else if host, path, _ := strings.Cut(rest, "/"); !isPort(host) {
		rest = "REDACTED/" + path // a user and password without a host
	}
	out := CutText(scheme, 20) + "://" + CutText(rest, 300)
	if hasQuery {
		var names []string
		for pair := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(pair, "=")
			names = append(names, shownName(name)+"=…")
		}
		out += "?" + CutText(strings.Join(names, "&"), 300)
	}
	return printable(out)
}

// isPort reports whether what follows the last colon of a host, if there is
// one, can be a port or the end of an IPv6 address.
func isPort(host string) bool {
	i := strings.LastIndexByte(host, ':')
	return i < 0 || strings.HasSuffix(host, "]") || strings.Trim(host[i+1:], "0123456789") == ""
}

// shownName is the name of a parameter where it looks like one. What does not
// may be a value, for example of a parameter whose = was escaped.
func shownName(name string) string {
	if !isToken(name) {
		return "…"
	}
	return CutText(name, 40)
}

// isToken reports whether s is made of ASCII letters, digits and . _ + -, which
// schemes and parameter names are made of.
func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '+', c == '-':
		default:
			return false
		}
	}
	return s != ""
}

// printable replaces control characters, so that a URL cannot write to a
// terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
