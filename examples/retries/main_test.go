package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `attempt 1: fine: fetched
attempt 1: flaky: connection reset
  again in 200ms
attempt 1: busy: 429 too many requests
  again in 2s
attempt 1: gone: 404 not found
  dead: permanent
attempt 1: panic: broken: no page
  again in 200ms
attempt 2: flaky: connection reset
  again in 400ms
attempt 2: panic: broken: no page
  again in 400ms
attempt 3: flaky: fetched
attempt 3: panic: broken: no page
  dead: max-attempts
attempt 2: busy: fetched
`
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://pages"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
