package pubsubfake

import (
	"testing"
	"time"
)

func TestWindowWidensAndHalves(t *testing.T) {
	tests := []struct {
		name string
		size int
		do   func(w *window)
		want int
	}{
		{"a success adds one", 4, func(w *window) { w.succeed() }, 5},
		{"as many successes as there is room double it", 4, func(w *window) {
			for range 4 {
				w.succeed()
			}
		}, 8},
		{"it ends at 3,000", 3000, func(w *window) { w.succeed() }, 3000},
		{"a failure halves it", 9, func(w *window) { w.fail(0, 0) }, 4},
		{"failures of one round halve it each", 16, func(w *window) { w.fail(0, 0); w.fail(0, 0) }, 4},
		{"it is never closed for good", 1, func(w *window) { w.fail(0, 0) }, 1},
	}
	for _, tt := range tests {
		w := window{size: tt.size}
		if tt.do(&w); w.size != tt.want {
			t.Errorf("%s: it is %d, want %d", tt.name, w.size, tt.want)
		}
	}
}

func TestPausesDouble(t *testing.T) {
	w, now := window{size: 1}, time.Hour
	pause := func(milliseconds int) {
		t.Helper()
		want := time.Duration(milliseconds) * time.Millisecond
		w.fail(w.round, now)
		if got := w.until - now; got != want {
			t.Errorf("a pause of %v, want %v", got, want)
		}
		if w.open(0, w.until-1) || !w.open(0, w.until) {
			t.Error("it is open before the end of a pause, or closed at it")
		}
		now = w.until
	}
	for _, want := range []int{100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000} {
		pause(want)
	}
	w.fail(w.round-1, now) // began before the pause
	if w.until != now {
		t.Errorf("what began before a pause has begun another, to %v", w.until)
	}
	w.succeed()
	pause(100)
}
