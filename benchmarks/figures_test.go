package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

// rates are results of so many tasks a second, with an allocation and a microsecond a
// task.
func rates(of map[*contender]float64) []*result {
	var all []*result
	for c, perSecond := range of {
		all = append(all, &result{contender: *c, all: []measurement{{perSecond, 1, time.Microsecond}}})
	}
	return all
}

func TestPeersAreJudged(t *testing.T) {
	within := func() map[*contender]float64 {
		return map[*contender]float64{&longshore: 250, &longshoreMany: 290, &watermillGoChannel: 90, &watermillBuffered: 100, &gocloudMem: 50}
	}
	tests := []struct {
		name string
		of   *contender
		rate float64
		want string // "" for none
	}{
		{"within", &longshore, 250, ""},
		{"watermill without a buffer", &watermillGoChannel, 101, "2.48 times the rate of the better of watermill's two, less than 2.50"},
		{"watermill with one", &watermillBuffered, 101, "2.48 times the rate of the better"},
		{"gocloud", &gocloudMem, 51, "4.90 times the rate of gocloud mempubsub, less than 5.00"},
		{"EnqueueMany", &longshoreMany, 285, "1.14 times the rate of Enqueue, less than 1.15"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			of := within()
			of[tt.of] = tt.rate
			err := checkPeers(io.Discard, rates(of))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWhatATaskTakesIsJudged(t *testing.T) {
	for want, m := range map[string]measurement{
		"": {1, 12, 5 * time.Microsecond},
		"takes 12.50 allocations a task, more than 12": {1, 12.5, time.Microsecond},
		"takes 5.10 µs CPU a task, more than 5":        {1, 1, 5100 * time.Nanosecond},
	} {
		err := checkPeers(io.Discard, []*result{{contender: longshore, all: []measurement{m}}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", m, err, want)
		}
	}
}

func TestWaitsAreJudged(t *testing.T) {
	of := func(p50, p99 time.Duration) waits {
		all := make([]time.Duration, 1000)
		for i := range all {
			all[i] = p50
			if i >= 990 {
				all[i] = p99
			}
		}
		return waits{sent: all, started: all}
	}
	tests := []struct {
		w    waits
		want string
	}{
		{of(59*time.Microsecond, 999*time.Microsecond), ""},
		{of(60*time.Microsecond, 999*time.Microsecond), "p50 from due to the start of the handler is 60µs, not below 60µs"},
		{of(59*time.Microsecond, time.Millisecond), "p99 from due to the start of the handler is 1ms, not below 1ms"},
	}
	for _, tt := range tests {
		err := tt.w.check(io.Discard)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

func TestWaitsCountFromWhenATaskWasDue(t *testing.T) {
	w, err := runLatency(t.Context(), latencyOptions{perSecond: 200, warmUp: 50 * time.Millisecond, length: 250 * time.Millisecond})
	if err != nil || len(w.started) != 50 || len(w.sent) != 50 {
		t.Fatalf("%d and %d waits, %v", len(w.started), len(w.sent), err)
	}
	for i := range w.started {
		if w.sent[i] < 0 || w.started[i] < w.sent[i] {
			t.Errorf("task %d was sent %v and started %v after it was due", i, w.sent[i], w.started[i])
		}
	}
}

func TestATimedTaskHasTheSizeOfTheOthers(t *testing.T) {
	for _, n := range []int{0, 7, 32_000} {
		if text, err := json.Marshal(newTimed(n)); err != nil || len(text) != payloadSize {
			t.Errorf("task %d has %d bytes, %v", n, len(text), err)
		}
	}
}

func TestTheReportHasWhatWasRecorded(t *testing.T) {
	directory := t.TempDir()
	var out bytes.Buffer
	o := quick(channel)
	o.record, o.out = filepath.Join(directory, "compare.json"), &out
	if err := compare(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	l := latencyOptions{perSecond: 200, length: 50 * time.Millisecond, record: filepath.Join(directory, "latency.json"), out: &out}
	if err := measureLatency(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	sections, err := report.Load(directory)
	if err != nil || len(sections) != 2 || sections[0].Rows[0][0] != channel.name || sections[1].Order != 2 {
		t.Fatalf("%+v, %v", sections, err)
	}
	if err := writeReport(directory, filepath.Join(directory, "page.md")); err != nil {
		t.Error(err)
	}
}
