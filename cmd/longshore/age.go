package main

import (
	"errors"
	"flag"
	"strconv"
	"strings"
	"time"
)

// age is a flag that is a duration above 0, in days too: 7d.
type age time.Duration

const (
	day    = 24 * time.Hour
	maxAge = 100 * 365 * day
)

// Set reads the flag.
func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n >= 0 && n <= int(maxAge/day) {
			d = time.Duration(n) * day
		}
	}
	if err != nil || d <= 0 || d > maxAge {
		return errors.New("it is not a time above 0, such as 90m, 36h or 7d")
	}
	*a = age(d)
	return nil
}

// String is empty for 0.
func (a *age) String() string {
	switch d := time.Duration(*a); {
	case d == 0:
		return ""
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	default:
		return d.String()
	}
}

// Type is the flag's type in messages.
func (*age) Type() string { return "age" }

var _ flag.Value = (*age)(nil)
