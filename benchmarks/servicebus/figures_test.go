package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
	"github.com/longshore-dev/longshore/runtime"
)

func TestMain(m *testing.M) {
	// The figures start this program for servers and workers; here it is the test.
	if len(os.Args) > 1 && (os.Args[1] == "server" || os.Args[1] == "worker") {
		main()
	}
	os.Exit(m.Run())
}

func TestTheRateRuns(t *testing.T) {
	var out bytes.Buffer
	hand := raw
	hand.Parallel = []int{1, 2}
	o := rateOptions(&out)
	o.Contenders, o.Rounds, o.Messages = []rate.Contender{longshore, hand}, 1, 2000
	err := compareRates(t.Context(), o)
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) || !strings.Contains(out.String(), "times the rate of raw azservicebus") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestLimits(t *testing.T) {
	requests := func(messages, deliver, release, settle, renew, links int) error {
		return reportRequests(requestsOptions{out: io.Discard}, rate.Measurement{Messages: messages, Took: time.Second, Requests: map[string]int{
			opDeliver: deliver, opRelease: release, opSettle: settle, opRenew: renew, opLinks: links,
		}})
	}
	idle := func(frames, links int) error {
		return reportIdle(requestsOptions{out: io.Discard}, map[string]int{opFrames: frames, opLinks: links})
	}
	tests := []struct {
		name string
		err  error
		want string // "" for none
	}{
		{"fast enough", ratesOf(4800, 6000), ""},
		{"slower", ratesOf(4700, 6000), "0.78 times the rate of raw azservicebus, less than 0.80"},
		{"a slow server", ratesOf(4900, 4900), "carries 4900 messages a second, fewer than 5000"},
		{"within", requests(100, 205, 100, 105, 0, 0), ""},
		{"delivered again", requests(100, 206, 100, 105, 0, 0), "1.0600 deliveries"},
		{"settled again", requests(100, 100, 0, 106, 0, 0), "1.0600 dispositions"},
		{"renewed", requests(100, 100, 0, 100, 1, 0), "1 renew"},
		{"a link made anew", requests(100, 100, 0, 100, 0, 2), "2 links"},
		{"idle", idle(20, 0), ""},
		{"busy with nothing", idle(21, 0), "21 frames"},
		{"an idle link made anew", idle(2, 1), "1 links"},
		{"the first time", load.First(&runtime.Task[load.Task]{Info: &runtime.Info{Attempt: 1}}), ""},
		{"a second time", load.First(&runtime.Task[load.Task]{Info: &runtime.Info{Attempt: 2}}), "came for the 2. time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.err == nil) != (tt.want == "") || tt.err != nil && !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("got %v, want %q", tt.err, tt.want)
			}
		})
	}
}

// ratesOf judges rates a second.
func ratesOf(ours, theirs int) error {
	return checkRates(io.Discard, []*rate.Result{
		{Contender: longshore, All: []rate.Measurement{{Messages: ours, Took: time.Second}}},
		{Contender: raw, All: []rate.Measurement{{Messages: theirs, Took: time.Second}}},
	})
}
