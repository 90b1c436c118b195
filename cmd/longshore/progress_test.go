package main

import (
	"math"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	tests := []struct {
		name string
		p    progress
		rate float64
		want string
	}{
		{"at the start", progress{}, 0, "0/0+  0/s"},
		{"while reading", progress{counts: counts{Sent: 12000, Succeeded: 1000, Retries: 1}}, 1234.6, "1,000/12,000+  1,235/s  1 retry"},
		{"all read", progress{counts{Sent: 10, Succeeded: 5, Dead: 2, Retries: 7}, true}, 3, "7/10  3/s  7 retries  2 dead"},
	}
	for _, tt := range tests {
		if got := describe(tt.p, tt.rate); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRate(t *testing.T) {
	var r rate
	now := time.Unix(1000, 0)
	if got := r.measure(0, now); got != 0 {
		t.Errorf("before anything was done: %v", got)
	}
	value := 0
	for range 10 {
		now, value = now.Add(100*time.Millisecond), value+20
		if got := r.measure(value, now); math.Abs(got-200) > 1e-6 {
			t.Fatalf("at a steady 200/s: %v", got)
		}
	}
	for range 300 {
		now, value = now.Add(100*time.Millisecond), value+5
		r.measure(value, now)
	}
	if got := r.measure(value, now); math.Abs(got-50) > 1 {
		t.Errorf("30 s after it fell to 50/s: %v", got)
	}
}
