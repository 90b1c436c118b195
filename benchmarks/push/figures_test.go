package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTheRateRuns(t *testing.T) {
	var out bytes.Buffer
	err := measure(t.Context(), options{perSecond: 500, connections: 4, length: time.Second, flood: time.Second / 4, out: &out})
	if err == nil || !strings.Contains(err.Error(), "fewer than 5000") || !strings.Contains(out.String(), "sent at 500 a second") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestLimits(t *testing.T) {
	pushes := func(n int, slow int) result {
		r := result{took: time.Second}
		for i := range n {
			took := time.Millisecond
			if i < slow {
				took = 5 * time.Millisecond
			}
			r.times = append(r.times, took)
		}
		return r
	}
	tests := []struct {
		name string
		got  result
		want string // "" for none
	}{
		{"as many as asked", pushes(5000, 0), ""},
		{"one of a hundred is slow", pushes(5000, 50), ""},
		{"more are slow", pushes(5000, 51), "p99 is 5ms"},
		{"too few", pushes(4999, 0), "4999 pushes a second"},
		{"none", result{took: time.Second}, "0 pushes a second"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := report(options{out: io.Discard}, tt.got, result{})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
