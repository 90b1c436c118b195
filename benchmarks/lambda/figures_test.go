package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

func TestTheCostIsMeasured(t *testing.T) {
	var out bytes.Buffer
	o := options{out: &out, records: 100, rounds: 1}
	if err := o.cost(t.Context()); err != nil && !strings.Contains(err.Error(), "missed") {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "a message in batches of"); n != 3 {
		t.Errorf("%d lines; want 3: %s", n, out.String())
	}
}

func TestTheMemoryIsMeasured(t *testing.T) {
	var out bytes.Buffer
	o := options{out: &out, root: "../..", records: 100}
	if err := o.memory(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "MiB resident") {
		t.Errorf("it prints %s", out.String())
	}
	o.records = 40_000
	if err := o.memory(t.Context()); err == nil || !strings.Contains(err.Error(), "the largest of AWS Lambda") {
		t.Errorf("an event that is too large: %v", err)
	}
}

func TestTheCommandLine(t *testing.T) {
	for _, args := range [][]string{nil, {"speed"}, {"size", "now"}} {
		if code := command.Exit(run(t.Context(), args)); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}
