package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		// The signal comes while two handlers run.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var out strings.Builder
		if err := run(ctx, &out, "mem://cakes"); err != nil {
			t.Fatal(err)
		}
		// The two begin in any order.
		begins := map[string]bool{}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range lines[:min(2, len(lines))] {
			begins[line] = true
		}
		rest := strings.Join(lines[min(2, len(lines)):], "\n")
		if want := "short: done\nlong: cut short\nleft for another worker: 2"; !begins["short: begins"] || !begins["long: begins"] || rest != want {
			t.Errorf("output:\n%s\nwant two that begin, then:\n%s", out.String(), want)
		}
	})
}
