package main

import (
	"strings"
	"testing"
)

func TestItMeasuresBoth(t *testing.T) {
	var out strings.Builder
	if err := compare(t.Context(), options{rounds: 2, tasks: 500, least: 0.0001, out: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"500 tasks of 64 bytes", "2 interleaved rounds", "without a store", "with a store", "ratio of medians"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not print %q but\n%s", want, out.String())
		}
	}
}

func TestItFailsWhenTheFigureIsMissed(t *testing.T) {
	var out strings.Builder
	err := compare(t.Context(), options{rounds: 1, tasks: 500, least: 1000, out: &out})
	if err == nil || !strings.Contains(err.Error(), "less than 1000.00") {
		t.Errorf("it says %v", err)
	}
}
