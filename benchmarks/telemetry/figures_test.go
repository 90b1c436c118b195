package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTheFigureIsMissedAndMet(t *testing.T) {
	var out bytes.Buffer
	if err := compare(t.Context(), options{rounds: 2, tasks: 500, most: time.Hour, out: &out}); err != nil || !strings.Contains(out.String(), "telemetry takes") {
		t.Errorf("%v:\n%s", err, &out)
	}
	if err := compare(t.Context(), options{rounds: 1, tasks: 500, most: -time.Hour, out: io.Discard}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("below any cost: %v", err)
	}
}
