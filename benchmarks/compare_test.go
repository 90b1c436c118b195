package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/store"
)

// quick is a comparison for a test.
func quick(c ...contender) options {
	return options{
		contenders: c, rounds: 1, warmUp: 10 * time.Millisecond, length: 20 * time.Millisecond,
		drain: 200 * time.Millisecond, out: io.Discard,
	}
}

func TestEachContenderDoesWhatIsSent(t *testing.T) {
	for _, c := range defaults().contenders {
		t.Run(c.name, func(t *testing.T) {
			o := quick(c)
			o.drain = 30 * time.Second
			o.length = 500 * time.Millisecond // on a machine that does much else some tasks take long
			if c.prepare != nil {
				stop, _, err := c.prepare(t.Context())
				if errors.Is(err, store.ErrAbsent) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := stop(); err != nil {
						t.Error(err)
					}
				}()
			}
			m, err := measure(t.Context(), c, o)
			rests := c.name == gocloudMem.name || c.prepare != nil // for 250 ms or a second, when it finds nothing
			if err != nil || !rests && (m.perSecond <= 0 || m.cpu <= 0) {
				t.Errorf("measured %+v, %v", m, err)
			}
		})
	}
}

// unfit is a contender that treats every task as its function does.
func unfit(do func(done func(error))) contender {
	return contender{name: "unfit", producers: 2, open: func(_ context.Context, done func(error)) (*running, error) {
		return &running{
			send:  func(context.Context, task) error { do(done); return nil },
			close: func() error { return nil },
		}, nil
	}}
}

func TestMeasureRefusesAnUnfitContender(t *testing.T) {
	var once, twice sync.Once
	tests := []struct {
		name string
		do   func(done func(error))
		want string
	}{
		{"loses one", func(done func(error)) {
			lost := false
			once.Do(func() { lost = true })
			if !lost {
				done(nil)
			}
		}, "tasks were sent, but"},
		{"doubles one", func(done func(error)) {
			twice.Do(func() { done(nil) })
			done(nil)
		}, "tasks were sent, but"},
		{"loses all", func(func(error)) {}, "tasks were sent, but 0 done"},
		{"fails", func(done func(error)) { done(errors.New("broken")) }, "broken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := unfit(tt.do)
			if _, err := measure(t.Context(), c, quick(c)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCompareFailsBelowTheLeast(t *testing.T) {
	for least, want := range map[int]string{0: "", 1 << 60: "at best, fewer than the 1152921504606846976 it must"} {
		o := quick(longshore)
		o.least, o.drain = least, 30*time.Second // a loaded machine is slow to work off what was sent
		if err := compare(t.Context(), o); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("at least %d: %v, want %q", least, err, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, all := range map[float64][]float64{2: {3, 1, 2}, 2.5: {4, 1, 3, 2}, 7: {7}} {
		if got := load.Median(all); got != want {
			t.Errorf("median of %v is %v, want %v", all, got, want)
		}
	}
}
