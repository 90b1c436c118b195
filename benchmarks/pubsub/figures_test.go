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

func TestFiguresRun(t *testing.T) {
	t.Run("rate", func(t *testing.T) {
		var out bytes.Buffer
		ours, theirs := longshore, gocloud
		theirs.Parallel = []int{1, 8}
		o := rateOptions(&out)
		o.Contenders, o.Rounds, o.Messages = []rate.Contender{ours, theirs}, 1, 2000
		err := compareRates(t.Context(), o)
		var exit interface{ ExitCode() int }
		if errors.As(err, &exit) || !strings.Contains(out.String(), "times the rate of gocloud gcppubsub") {
			t.Errorf("%v: %s", err, out.String())
		}
		for _, name := range []string{ours.Name, theirs.Name} {
			if !strings.Contains(out.String(), "\n"+name+" ") {
				t.Errorf("%s is not in %s", name, out.String())
			}
		}
	})
	t.Run("requests", func(t *testing.T) {
		var out bytes.Buffer
		t.Setenv("PUBSUB_EMULATOR_HOST", "") // to be set, and set back
		err := countRequests(t.Context(), requestsOptions{messages: 500, warmUp: 100 * time.Millisecond, wait: time.Second, out: &out})
		if err != nil || !strings.Contains(out.String(), "idle: at most 1 Pull in flight") {
			t.Errorf("%v: %s", err, out.String())
		}
	})
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string // "" for none
	}{
		{"as fast", ratesOf(95, 100, 5), ""},
		{"slower", ratesOf(94, 100, 5), "0.94 times the rate of gocloud gcppubsub, less than 0.95"},
		{"too many requests", ratesOf(200, 100, 30), "0.15"},
		{"idle", reportIdle(requestsOptions{wait: time.Second, out: io.Discard}, 1, 3), ""},
		{"two in flight", reportIdle(requestsOptions{wait: time.Second, out: io.Discard}, 2, 3), "2 Pulls in flight"},
		{"none in flight", reportIdle(requestsOptions{wait: time.Second, out: io.Discard}, 0, 0), "0 Pulls in flight"},
		{"one after the other", reportIdle(requestsOptions{wait: time.Second, out: io.Discard}, 1, 30), "makes 30"},
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

// ratesOf judges rates a second, ours with so many Pulls and as many acks among 200
// messages.
func ratesOf(ours, theirs, requests int) error {
	m := rate.Measurement{
		Messages: 200, Took: time.Second * 200 / time.Duration(ours),
		Requests: map[string]int{"Pull": requests / 2, "Acknowledge": requests - requests/2},
	}
	return checkRates(io.Discard, []*rate.Result{
		{Contender: longshore, All: []rate.Measurement{m}},
		{Contender: gocloud, All: []rate.Measurement{{Messages: theirs, Took: time.Second}}},
	})
}
